/**
 * Removing a device that has no place in the array, faulty or spare (spec §6.4): all nodes give it up on REMOVE, and the
 * superblocks say so afterwards.
 */
import { SlotmarkError } from "../errors.js";
import { knownMember } from "./device-failure.js";
import { forget } from "./metadata-reload.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";

/**
 * @throws SlotmarkError `device-unknown`, `device-active`; LockError where another node does not answer: then the device
 * stays known here
 */
export async function removeMember(state: NodeState, deviceNumber: number): Promise<void> {
  await state.messenger.withToken(async (token) => {
    const member = knownMember(state, deviceNumber);
    if (typeof member.role === "number") {
      throw new SlotmarkError(
        "refused",
        "device-active",
        `EBUSY: device ${deviceNumber} (${member.device.path}) is place ${member.role} of the array`,
        "mark it faulty first",
      );
    }
    await token.send({ type: "REMOVE", raidSlot: deviceNumber });
    forget(state, member);
    await updateMetadata(state, { token });
  });
}

/** One that this node does not know is gone already; one that it still writes to goes by the next metadata. */
export function receiveRemoval(state: NodeState, deviceNumber: number): void {
  const member = state.members.get(deviceNumber);
  if (member !== undefined && typeof member.role !== "number") forget(state, member);
}
