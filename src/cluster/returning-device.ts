/**
 * A device that was of the array and comes back: whether the bitmaps still say all that it lacks. Bits stay set while a place
 * is empty; once the array is whole again they go, and the slots' events_cleared says since when.
 */
import { SlotmarkError } from "../errors.js";
import { parseBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import {
  FEATURE_RECOVERY_BITMAP,
  FEATURE_RECOVERY_OFFSET,
  type MdSuperblock,
} from "../ondisk/md-superblock.js";
import { BITMAP_SUPERBLOCK_BYTES, SECTOR_BYTES, slotSector } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { roleOf } from "./array-members.js";
import { readFromMembers } from "./member-output.js";
import type { NodeState } from "./node-state.js";

/**
 * The event count up to which the device has everything, but for what a bitmap says; null where it has not: it never had a
 * place, or its own rebuild, of everything, was not finished.
 */
export function eventsOnReturn(superblock: MdSuperblock): number | null {
  if (typeof roleOf(superblock.roles[superblock.devNumber]) !== "number") return null;
  const unfinished = (superblock.featureMap & FEATURE_RECOVERY_OFFSET) !== 0;
  if (unfinished && (superblock.featureMap & FEATURE_RECOVERY_BITMAP) === 0) return null;
  return Number(superblock.events);
}

/**
 * Whether the bitmaps go back as far. Every node clears bits by itself, so that every slot is asked; mainline asks its own
 * alone. To be asked under the token.
 */
export function bitmapsReachBackTo(state: NodeState, events: number): boolean {
  const { geometry, bitmap, options, slot: own } = state;
  if (bitmap.eventsCleared > events) return false;
  if (options.variant !== "safe") return true;
  for (let slot = 0; slot < geometry.nodes; slot++) {
    if (slot === own) continue;
    const offsetBytes = slotSector(geometry, slot) * SECTOR_BYTES;
    const bytes = readFromMembers(state, () => offsetBytes, BITMAP_SUPERBLOCK_BYTES);
    if (Number(parseBitmapSuperblock(bytes).eventsCleared) > events) return false;
  }
  return true;
}

/** @throws SlotmarkError `device-not-of-array` */
export function requireSameArray(state: NodeState, path: string, superblock: MdSuperblock): void {
  const [found, ours] = [uuidText(superblock.setUuid), uuidText(state.superblock.setUuid)];
  if (found === ours) return;
  throw new SlotmarkError(
    "input",
    "device-not-of-array",
    `${path} is a device of array ${found}, not of ${ours}`,
    "name a device that was of this array, or add it as a new one",
  );
}
