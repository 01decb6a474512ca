/**
 * Bringing back a device that failed and that all nodes still know (state `re-add` of md, spec §6.4): RE_ADD takes the fault
 * off it everywhere, the metadata that follows gives it a place, and from then on every node writes to it. What it lacks
 * the rebuild takes from all slots (D3). One that was removed comes back by being added (`add-disk.ts`).
 */
import { SlotmarkError } from "../errors.js";
import type { ArrayMember } from "./array-members.js";
import { copyFromSlot } from "./copy-from-slot.js";
import { knownMember, reportFailures } from "./device-failure.js";
import { readMdSuperblock } from "./metadata-reload.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";
import { emptyPlaces, placeMember } from "./place-spares.js";
import { copySlots } from "./prepare-device.js";
import { eventsOnReturn, requireSameArray } from "./returning-device.js";

/**
 * @returns the member, which is being rebuilt by then
 * @throws SlotmarkError `device-unknown`, `device-not-faulty`, `no-empty-place` (EBUSY), `device-not-of-array`, what is
 * invalid on it, `member-failed`; LockError ETIMEDOUT
 */
export async function reAddMember(state: NodeState, deviceNumber: number): Promise<ArrayMember> {
  await reportFailures(state);
  await bringSlots(state, deviceNumber);
  return await state.messenger.withToken(async (token) => {
    const member = returningMember(state, deviceNumber);
    const superblock = readMdSuperblock(member.device);
    requireSameArray(state, member.device.path, superblock);
    await token.send({ type: "RE_ADD", raidSlot: deviceNumber });
    // Mainline asks the slots here, before the others write to the device; `safe` when it rebuilds.
    if (state.options.variant !== "safe") gatherSlotsNow(state);
    const [place] = emptyPlaces(state);
    if (place === undefined) throw noEmptyPlace(deviceNumber);
    member.superblock = superblock;
    member.returnedAtEvents = eventsOnReturn(superblock);
    const change = () => {
      placeMember(state, member, place);
      return true;
    };
    await updateMetadata(state, { token, change });
    return member;
  });
}

/** The receiver's side: the device is one without a place until the metadata that follows gives it one. */
export function receiveReAdd(state: NodeState, deviceNumber: number): void {
  const member = state.members.get(deviceNumber);
  if (member?.role !== "faulty" || member.failureUnreported) return;
  member.role = "spare";
  member.returnedAtEvents = null;
}

/** Slots that nobody has were written without it; their bits must not come back with it. */
async function bringSlots(state: NodeState, deviceNumber: number): Promise<void> {
  const { device } = returningMember(state, deviceNumber);
  const [active] = state.members.inSync;
  if (state.options.variant !== "safe" || active === undefined) return;
  await copySlots(device, state.geometry, active.device);
  state.requireAlive();
}

function returningMember(state: NodeState, deviceNumber: number): ArrayMember {
  const member = knownMember(state, deviceNumber);
  if (member.role !== "faulty") {
    throw new SlotmarkError(
      "refused",
      "device-not-faulty",
      `EBUSY: device ${deviceNumber} (${member.device.path}) has not failed`,
      "there is nothing to bring back",
    );
  }
  if (emptyPlaces(state).length === 0) throw noEmptyPlace(deviceNumber);
  return member;
}

function noEmptyPlace(deviceNumber: number): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "no-empty-place",
    `EBUSY: device ${deviceNumber} cannot come back: every place of the array has a member`,
    "remove it, then add it as a spare",
  );
}

function gatherSlotsNow(state: NodeState): void {
  for (let slot = 0; slot < state.geometry.nodes; slot++) {
    if (slot !== state.slot) copyFromSlot(state, slot, { clear: false });
  }
}
