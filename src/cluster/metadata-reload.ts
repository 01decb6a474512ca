/**
 * The receiver's side of METADATA_UPDATED, and what a node takes from the superblocks when it joins: roles, event count,
 * and how far each member is in sync.
 */

import { SlotmarkError } from "../errors.js";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  parseMdSuperblock,
} from "../ondisk/md-superblock.js";
import { checkMdSuperblock } from "../ondisk/md-superblock-check.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { type ArrayMember, isInSync, type MemberRole, roleOf, takeRole } from "./array-members.js";
import type { MemberDevice } from "./array-storage.js";
import { clearNeeded } from "./clear-needed.js";
import { arrayFailed, markFaulty, memberFailed } from "./device-failure.js";
import type { NodeState } from "./node-state.js";
import { writeOwnSlot } from "./place-spares.js";
import { resizeBitmap } from "./resize-bitmap.js";

export const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;

/** Reads and checks the md superblock of a device. @throws SlotmarkError kind `input` or `device` */
export function readMdSuperblock(device: MemberDevice): MdSuperblock {
  const bytes = device.read(SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES);
  const superblock = parseMdSuperblock(bytes);
  checkMdSuperblock(bytes, superblock, {
    origin: { member: device.path, offsetBytes: SUPERBLOCK_OFFSET_BYTES },
    memberSectors: Math.floor(device.sizeBytes / SECTOR_BYTES),
    logicalBlockBytes: device.logicalBlockBytes,
  });
  return superblock;
}

/**
 * Takes the array's metadata as another node has written it. A node that can read none any more has lost the array, which
 * its own next write will find; it holds up nobody.
 * @param goodDevice number of a device whose superblock is good; another one is read where that fails here
 */
export function reloadMetadata(state: NodeState, goodDevice: number): void {
  try {
    takeMetadata(state, readArraySuperblock(state, goodDevice));
  } catch (error) {
    if (!(error instanceof SlotmarkError) || error.code !== "array-failed") throw error;
    state.tell({ kind: "arrayFailed", error: error.message });
  }
}

function readArraySuperblock(state: NodeState, goodDevice: number): MdSuperblock {
  const named = state.members.get(goodDevice);
  let failure: SlotmarkError | undefined;
  for (const member of [...(named === undefined ? [] : [named]), ...state.members.inSync]) {
    try {
      return readMdSuperblock(member.device);
    } catch (error) {
      if (!(error instanceof SlotmarkError)) throw error;
      failure = error;
    }
  }
  throw arrayFailed(state, failure);
}

/** Takes roles, event count, and how far each member is in sync, as this superblock and each member's own have them. */
export function takeMetadata(state: NodeState, superblock: MdSuperblock): void {
  const wasDegraded = state.degraded;
  takeSize(state, Number(superblock.sizeSectors));
  state.superblock = superblock;
  state.events = Number(superblock.events);
  const written = new Set(state.members.written);
  for (const member of state.members.all) takeMember(state, member, superblock);
  state.arrayStateChanged();
  const placed = state.members.written.filter((member) => !written.has(member));
  if (state.loaded) for (const member of placed) writeOwnSlot(state, member);
  // To mainline a chunk is in sync where this node has seen it resynced; what others copied keeps its bit (finding 15).
  if (wasDegraded && !state.degraded && state.options.variant === "safe") clearNeeded(state);
  state.sync.wake();
}

function takeSize(state: NodeState, sizeSectors: number): void {
  if (sizeSectors === state.geometry.syncSizeSectors) return;
  if (state.loaded) {
    resizeBitmap(state, sizeSectors);
    return;
  }
  throw new SlotmarkError(
    "refused",
    "array-resized",
    `the array was resized to ${sizeSectors} sectors while this node joined`,
    "join again",
  );
}

function takeMember(state: NodeState, member: ArrayMember, superblock: MdSuperblock): void {
  const role = roleOf(superblock.roles[member.deviceNumber]);
  if (member.candidate && !takeCandidate(state, member, role)) {
    forget(state, member);
    return;
  }
  // What failed here and is not told yet stays so, whatever those who do not know it have written.
  if (member.failureUnreported) return;
  if (role === "faulty") {
    markFaulty(state, member, "metadata");
    return;
  }
  const wasInSync = isInSync(member);
  try {
    takeRole(member, role, typeof role === "number" ? readMdSuperblock(member.device) : member.superblock);
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
    memberFailed(state, member, error);
    return;
  }
  if (!wasInSync && isInSync(member)) state.tell({ kind: "memberInSync", device: member.deviceNumber });
}

/**
 * Whether a candidate was added. To md it was unless its number is faulty, so that a METADATA_UPDATED about anything else makes
 * a spare of one that was refused; `safe` asks the device itself.
 */
function takeCandidate(state: NodeState, member: ArrayMember, role: MemberRole): boolean {
  if (role === "faulty") return false;
  if (state.options.variant === "safe") {
    const added = addedSuperblock(member);
    if (added === null) return false;
    member.superblock = added;
  }
  member.candidate = false;
  return true;
}

/** What a candidate's superblock says once the array's metadata has been written to it; null before. */
export function addedSuperblock(member: ArrayMember): MdSuperblock | null {
  try {
    const now = readMdSuperblock(member.device);
    return now.events > member.superblock.events ? now : null;
  } catch (error) {
    if (error instanceof SlotmarkError) return null;
    throw error;
  }
}

/** Gives a device up: its number is free again. */
export function forget(state: NodeState, member: ArrayMember): void {
  state.members.remove(member.deviceNumber);
  member.device.close();
  state.arrayStateChanged();
  state.tell({ kind: "memberRemoved", device: member.deviceNumber });
}
