/**
 * A node's bitmap for another size of the array (spec §3.6, resize): where the bits would not fit the space that they have, the
 * chunk doubles until they do. Slots stay where they are: a size that would move them is refused.
 */
import { COUNTER_NEEDED } from "../bitmap/slot-bitmap.js";
import { createWasmBitmap } from "../bitmap/wasm.js";
import { SlotmarkError } from "../errors.js";
import { parseBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import {
  BITMAP_SUPERBLOCK_BYTES,
  CHUNK_BYTES_MAX,
  SECTOR_BYTES,
  type SlotGeometry,
  slotGeometry,
} from "../ondisk/slot-geometry.js";
import { writeListedPages } from "./member-output.js";
import type { NodeState } from "./node-state.js";
import { type Chunks, rechunkedImage, setBits } from "./rechunked-image.js";

/** `sectors_reserved` in a bitmap superblock. */
const SECTORS_RESERVED_OFFSET_BYTES = 64;

/** @throws SlotmarkError `slots-would-move`, `slots-beyond-data-offset` */
export function requireResizable(state: NodeState, syncSizeSectors: number): void {
  resizedGeometry(state, syncSizeSectors);
}

/**
 * Takes the new size, and writes the slot. Chunks that are new are clean, chunks that are no more are forgotten.
 * @throws SlotmarkError `slots-would-move`, `array-failed`, `node-gone`
 */
export function resizeBitmap(state: NodeState, syncSizeSectors: number): void {
  if (syncSizeSectors === state.geometry.syncSizeSectors) return;
  const { bitmap: old, geometry: before } = state;
  const geometry = resizedGeometry(state, syncSizeSectors);
  const bitmap = createWasmBitmap({ geometry, slot: state.slot });
  bitmap.image.set(rechunkedImage(old.image, before, geometry));
  reserve(bitmap.image, spaceSectors(state));
  bitmap.load(Number.POSITIVE_INFINITY);
  bitmap.merge(rechunkedImage(neededOf(state), before, geometry));
  bitmap.eventsCleared = old.eventsCleared;
  bitmap.needSync = old.needSync;
  bitmap.writeAll();
  state.geometry = geometry;
  state.bitmap = bitmap;
  state.arrayStateChanged();
  // All bits before the superblock says what they mean: with larger chunks every page changes.
  writeListedPages(state, bitmap.unplug(), "unplug");
  writeListedPages(state, bitmap.updateSuperblock(), "superblock");
}

/**
 * The array under its new size. md goes by sectors of 512 bytes, not by what is free behind the slot, and never back to smaller
 * chunks; the size that all agree on has the chunk that it had.
 */
function resizedGeometry(state: NodeState, syncSizeSectors: number): SlotGeometry {
  const { settledGeometry: settled } = state;
  if (syncSizeSectors === settled.syncSizeSectors) return settled;
  const roomBytes = spaceSectors(state) * SECTOR_BYTES;
  let { chunkBytes } = settled;
  while (bitmapBytes(syncSizeSectors, chunkBytes) > roomBytes && chunkBytes < CHUNK_BYTES_MAX)
    chunkBytes *= 2;
  const resized = slotGeometry({
    ...settled,
    syncSizeSectors,
    chunkBytes,
    superOffsetSectors: 0,
    bitmapOffsetSectors: settled.firstSlotSector,
  });
  if (resized.pagesPerSlot === settled.pagesPerSlot) return resized;
  throw new SlotmarkError(
    "refused",
    "slots-would-move",
    `${syncSizeSectors} sectors in chunks of ${chunkBytes} bytes need slots of ${resized.pagesPerSlot} pages; the array has slots of ${settled.pagesPerSlot}, and running nodes cannot move theirs`,
    "choose another size, or make the array anew",
  );
}

function bitmapBytes(syncSizeSectors: number, chunkBytes: number): number {
  const chunks = Math.ceil(syncSizeSectors / (chunkBytes / SECTOR_BYTES));
  return Math.ceil(chunks / 8) + BITMAP_SUPERBLOCK_BYTES;
}

/** What an earlier resize has put into the superblock; mdadm leaves it 0, and md then keeps to the sectors that the bits take. */
function spaceSectors({ bitmap, settledGeometry }: NodeState): number {
  const { sectorsReserved } = parseBitmapSuperblock(bitmap.image);
  return sectorsReserved === 0 ? Math.ceil(settledGeometry.bitmapBytes / SECTOR_BYTES) : sectorsReserved;
}

function reserve(image: Uint8Array, sectors: number): void {
  new DataView(image.buffer, image.byteOffset).setUint32(SECTORS_RESERVED_OFFSET_BYTES, sectors, true);
}

/** The same for a slot that nobody has. @param image all its pages, with the chunks `before` */
export function resizedImage(state: NodeState, image: Uint8Array, before: Chunks): Uint8Array {
  const resized = rechunkedImage(image, before, state.geometry);
  reserve(resized, parseBitmapSuperblock(state.bitmap.image).sectorsReserved);
  return resized;
}

/** An image in which the bits of NEEDED chunks are set. */
function neededOf({ bitmap }: NodeState): Uint8Array {
  const image = new Uint8Array(bitmap.image.length);
  for (const [first, last] of bitmap.dirtyRanges()) {
    for (let chunk = first; chunk <= last; chunk++) {
      if ((bitmap.counter(chunk) & COUNTER_NEEDED) !== 0) setBits(image, chunk, chunk + 1);
    }
  }
  return image;
}
