/**
 * A member that fails: faulty at once on the node that saw it, then everywhere by a metadata update (spec §5.6). Until all
 * nodes know, no write of this node completes, since a node that did not know could read what the member has missed.
 */
import { SlotmarkError } from "../errors.js";
import type { ArrayMember } from "./array-members.js";
import { isInSync } from "./array-members.js";
import type { ClusterOccurrence } from "./cluster-event.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";

/**
 * A member returned an error. The array's last member in sync stays what it is, as raid1 has it, and its error is the
 * array's.
 * @throws SlotmarkError `device`/`array-failed`
 */
export function memberFailed(state: NodeState, member: ArrayMember, cause: SlotmarkError): void {
  if (isInSync(member) && state.members.inSync.length === 1) throw arrayFailed(state, cause);
  member.failureUnreported = true;
  markFaulty(state, member, "io");
  // Who waits for it hears how it ends; where nobody does, the next write tries again.
  reportFailures(state).catch(() => {});
}

/**
 * Marks a device faulty because somebody asks for it (mdadm --fail), and tells everybody.
 * @throws SlotmarkError `device-unknown`, `device-last` for the last that has the array's data; as `reportFailures`
 */
export async function failMember(state: NodeState, deviceNumber: number): Promise<void> {
  const member = knownMember(state, deviceNumber);
  if (isInSync(member) && state.members.inSync.length === 1) {
    throw new SlotmarkError(
      "refused",
      "device-last",
      `EBUSY: device ${deviceNumber} (${member.device.path}) is the last of the array that is in sync`,
      "bring another member in sync first",
    );
  }
  if (member.role === "faulty") return;
  member.failureUnreported = true;
  markFaulty(state, member, "request");
  await reportFailures(state);
}

/** @throws SlotmarkError `device-unknown` */
export function knownMember(state: NodeState, deviceNumber: number): ArrayMember {
  const member = state.members.get(deviceNumber);
  if (member !== undefined) return member;
  const known = state.members.all.map((other) => other.deviceNumber).join(", ");
  throw new SlotmarkError(
    "usage",
    "device-unknown",
    `ENOENT: the array has no device ${deviceNumber}`,
    `name one of its devices: ${known}`,
  );
}

export function markFaulty(
  state: NodeState,
  member: ArrayMember,
  by: Extract<ClusterOccurrence, { kind: "memberFaulty" }>["by"],
): void {
  if (member.role === "faulty") return;
  member.role = "faulty";
  member.recoveredSectors = 0;
  state.arrayStateChanged();
  state.tell({ kind: "memberFaulty", device: member.deviceNumber, by });
}

/**
 * Tells everybody of members that failed here; resolves at once where none did.
 * @throws LockError ETIMEDOUT where other nodes do not answer, SlotmarkError `array-failed`, `node-gone`
 */
export async function reportFailures(state: NodeState): Promise<void> {
  if (!state.members.all.some(({ failureUnreported }) => failureUnreported)) return;
  state.failureReport ??= report(state).finally(() => {
    state.failureReport = null;
  });
  await state.failureReport;
}

async function report(state: NodeState): Promise<void> {
  // A turn later: what failed in the same stretch of work goes with the same update.
  await Promise.resolve();
  while (state.members.all.some(({ failureUnreported }) => failureUnreported)) await updateMetadata(state);
}

export function arrayFailed(state: NodeState, cause: SlotmarkError | undefined): SlotmarkError {
  const why =
    cause === undefined ? "no member is in sync" : `its last member in sync failed: ${cause.message}`;
  return new SlotmarkError(
    "device",
    "array-failed",
    `array failed on the node of slot ${state.slot}: ${why}`,
    "look at the kernel log (dmesg) for these devices, then assemble the array again",
  );
}
