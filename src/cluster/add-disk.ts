/**
 * Adding a disk to the running array (spec §6.2), as its initiator: the device gets superblock and slots, all nodes are asked
 * whether they see it, and only where none objects it becomes a spare.
 */
import { LockError } from "../dlm/lock-error.js";
import { SlotmarkError } from "../errors.js";
import { monotonicNs } from "../storage/monotonic.js";
import { dropAbandoned } from "./abandoned-candidates.js";
import { AddDiskError } from "./add-disk-error.js";
import { withAddTurn } from "./add-turn.js";
import { type AddDiskRequest, newDevice, returningDevice } from "./added-disk.js";
import type { ArrayMember } from "./array-members.js";
import type { AddDiskStep } from "./cluster-event.js";
import type { Token } from "./messenger.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";
import { placeSpares } from "./place-spares.js";
import { eraseSuperblock } from "./prepare-device.js";

/**
 * Adds the device as a spare, and gives it a place where the array has an empty one.
 * @returns the member as it is by then
 * @throws AddDiskError ENOENT where a node does not see it, ETIMEDOUT where one does not answer, EBUSY where it is a member
 * already; what the guard refuses; SlotmarkError `device-too-small`, `array-failed`, `node-gone`: then no node has it, and it
 * can be tried again. LockError ETIMEDOUT where a node does not answer METADATA_UPDATED: `members` says how far it came.
 */
export async function addDisk(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
  return await state.newDisk.keepFromLeaving(addInTurn(state, request));
}

async function addInTurn(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
  return await withAddTurn(state, async () => {
    await dropAbandoned(state, "all");
    const atNs = monotonicNs();
    const member = await (request.reAdd === true
      ? returningDevice(state, request)
      : newDevice(state, request));
    tellStep(state, "write", member, "written", atNs);
    try {
      await join(state, member);
    } catch (error) {
      discard(state, member);
      throw error;
    }
    await placeSpares(state);
    return member;
  });
}

/** Steps 2 and 7 to 9, under one token. */
async function join(state: NodeState, member: ArrayMember): Promise<void> {
  const announceNs = monotonicNs();
  await state.messenger.withToken(async (token) => {
    try {
      await announce(token, member);
    } catch (error) {
      if (!isLockError(error, "ETIMEDOUT")) throw error;
      tellStep(state, "announce", member, "unanswered", announceNs);
      return await refuse(state, token, member, unanswered(member));
    }
    tellStep(state, "announce", member, "answered", announceNs);
    const vetoNs = monotonicNs();
    try {
      await state.channel.convertNoNewDev("EX", { wait: "no" });
    } catch (error) {
      if (!isLockError(error, "EAGAIN")) throw error;
      tellStep(state, "veto", member, "vetoed", vetoNs);
      return await refuse(state, token, member, notSeen(member));
    }
    tellStep(state, "veto", member, "none", vetoNs);
    const addNs = monotonicNs();
    await state.channel.convertNoNewDev("CR");
    state.requireAlive();
    state.members.add(member);
    await updateMetadata(state, { token });
    tellStep(state, "add", member, "added", addNs);
  });
}

async function announce(token: Token, { superblock, deviceNumber }: ArrayMember): Promise<void> {
  await token.send({ type: "NEWDISK", deviceUuid: superblock.deviceUuid, raidSlot: deviceNumber });
}

/**
 * Step 9. The documentation has it that METADATA_UPDATED follows all the same, so that the nodes that found the device give it
 * up: `safe` does that, with the number as faulty, which is how a receiver knows. Mainline and the first patches send nothing.
 */
async function refuse(
  state: NodeState,
  token: Token,
  member: ArrayMember,
  reason: AddDiskError,
): Promise<never> {
  const atNs = monotonicNs();
  state.requireAlive();
  if (state.options.variant === "safe") {
    if (member.returnedAtEvents === null) eraseSuperblock(member.device);
    member.role = "faulty";
    state.members.add(member);
    try {
      await updateMetadata(state, { token });
    } catch (error) {
      // Whoever did not answer hears it from the next update: the device itself says that it was not added.
      if (!isLockError(error, "ETIMEDOUT")) throw error;
    } finally {
      state.members.remove(member.deviceNumber);
    }
  }
  tellStep(state, "refuse", member, reason.errnoName, atNs);
  throw reason;
}

/**
 * What was not added carries no superblock, as mdadm has it today; its first versions left it. One that comes back may try
 * another time. A node that is gone touches nothing.
 */
function discard(state: NodeState, member: ArrayMember): void {
  // Where the failure came after the array took the device, it is the array's.
  if (state.members.get(member.deviceNumber) === member) return;
  try {
    const mayComeBack = member.returnedAtEvents !== null || state.options.variant === "original";
    if (!state.gone && !mayComeBack) eraseSuperblock(member.device);
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
  } finally {
    member.device.close();
  }
}

function notSeen(member: ArrayMember): AddDiskError {
  return new AddDiskError(
    "ENOENT",
    "add-disk-refused",
    `${named(member)} was not added: another node does not see it`,
    "make the device visible to every node, then add it again",
  );
}

function unanswered(member: ArrayMember): AddDiskError {
  return new AddDiskError(
    "ETIMEDOUT",
    "add-disk-unanswered",
    `${named(member)} was not added: another node did not answer in time`,
    "look for a node whose event hook hangs, then add it again",
  );
}

function named({ device, deviceNumber, deviceUuid }: ArrayMember): string {
  return `${device.path} as device ${deviceNumber} (${deviceUuid})`;
}

function isLockError(error: unknown, errnoName: string): boolean {
  return error instanceof LockError && error.errnoName === errnoName;
}

function tellStep(
  state: NodeState,
  step: AddDiskStep,
  { deviceNumber: device }: ArrayMember,
  outcome: string,
  fromNs: number,
): void {
  state.tell({ kind: "addDisk", step, device, outcome, durationNs: monotonicNs() - fromNs }, fromNs);
}
