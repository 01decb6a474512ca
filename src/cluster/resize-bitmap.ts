/**
 * A node's bitmap for another size of the array. Slots stay where they are: a size that would move them is refused.
 */
import { COUNTER_NEEDED } from "../bitmap/slot-bitmap.js";
import { createWasmBitmap } from "../bitmap/wasm.js";
import { SlotmarkError } from "../errors.js";
import { BITMAP_SUPERBLOCK_BITS, slotGeometry } from "../ondisk/slot-geometry.js";
import { writeListedPages } from "./member-output.js";
import type { NodeState } from "./node-state.js";

/** @throws SlotmarkError `slots-would-move`, `slots-beyond-data-offset` */
export function requireResizable(state: NodeState, syncSizeSectors: number): void {
  resizedGeometry(state, syncSizeSectors);
}

/**
 * Takes the new size, and writes the slot's superblock. Chunks that are new are clean, chunks that are no more are
 * forgotten.
 * @throws SlotmarkError `slots-would-move`, `array-failed`, `node-gone`
 */
export function resizeBitmap(state: NodeState, syncSizeSectors: number): void {
  if (syncSizeSectors === state.geometry.syncSizeSectors) return;
  const { bitmap: old } = state;
  const geometry = resizedGeometry(state, syncSizeSectors);
  const bitmap = createWasmBitmap({ geometry, slot: state.slot });
  bitmap.image.set(old.image);
  for (let chunk = geometry.chunks; chunk < state.geometry.chunks; chunk++)
    setBit(bitmap.image, chunk, false);
  bitmap.load(Number.POSITIVE_INFINITY);
  bitmap.merge(neededOf(state));
  bitmap.eventsCleared = old.eventsCleared;
  bitmap.needSync = old.needSync;
  // Bits that were cleared and not written yet.
  bitmap.writeAll();
  state.geometry = geometry;
  state.bitmap = bitmap;
  state.arrayStateChanged();
  writeListedPages(state, bitmap.updateSuperblock(), "superblock");
}

function resizedGeometry({ geometry }: NodeState, syncSizeSectors: number) {
  const resized = slotGeometry({
    ...geometry,
    syncSizeSectors,
    superOffsetSectors: 0,
    bitmapOffsetSectors: geometry.firstSlotSector,
  });
  if (resized.pagesPerSlot === geometry.pagesPerSlot) return resized;
  throw new SlotmarkError(
    "refused",
    "slots-would-move",
    `${syncSizeSectors} sectors need slots of ${resized.pagesPerSlot} pages; the array has slots of ${geometry.pagesPerSlot}, and running nodes cannot move theirs`,
    "choose a smaller size, or make the array anew",
  );
}

/** An image in which the bits of NEEDED chunks are set. */
function neededOf({ bitmap, geometry }: NodeState): Uint8Array {
  const image = new Uint8Array(bitmap.image.length);
  for (const [first, last] of bitmap.dirtyRanges()) {
    for (let chunk = first; chunk <= Math.min(last, geometry.chunks - 1); chunk++) {
      if ((bitmap.counter(chunk) & COUNTER_NEEDED) !== 0) setBit(image, chunk, true);
    }
  }
  return image;
}

function setBit(image: Uint8Array, chunk: number, set: boolean): void {
  const bit = chunk + BITMAP_SUPERBLOCK_BITS;
  const byte = Math.floor(bit / 8);
  const mask = 1 << (bit & 7);
  image[byte] = set ? (image[byte] ?? 0) | mask : (image[byte] ?? 0) & ~mask;
}
