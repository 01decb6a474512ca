/** A slot's bits for another size of the array or of its chunks: every sector that was marked still is, as far as the array reaches. */
import { DirtyChunkScan } from "../ondisk/dirty-chunks.js";
import {
  BITMAP_SUPERBLOCK_BITS,
  BITMAP_SUPERBLOCK_BYTES,
  type SlotGeometry,
} from "../ondisk/slot-geometry.js";

export type Chunks = Pick<SlotGeometry, "chunks" | "chunkSectors">;

/**
 * @param image all pages of the slot, superblock included; its superblock is copied as it is
 * @returns an image of the same length; what lies behind the last chunk is zero
 */
export function rechunkedImage(image: Uint8Array, from: Chunks, to: Chunks): Uint8Array {
  const rechunked = new Uint8Array(image.length);
  rechunked.set(image.subarray(0, BITMAP_SUPERBLOCK_BYTES));
  const scan = new DirtyChunkScan(from.chunks, (first, last) => {
    const firstChunk = Math.floor((first * from.chunkSectors) / to.chunkSectors);
    const endChunk = Math.ceil(((last + 1) * from.chunkSectors) / to.chunkSectors);
    setBits(rechunked, firstChunk, Math.min(endChunk, to.chunks));
  });
  scan.push(image.subarray(BITMAP_SUPERBLOCK_BYTES));
  scan.finish();
  return rechunked;
}

/** Sets the bits of chunks [firstChunk, endChunk). */
export function setBits(image: Uint8Array, firstChunk: number, endChunk: number): void {
  for (let chunk = firstChunk; chunk < endChunk; chunk++) {
    const bit = chunk + BITMAP_SUPERBLOCK_BITS;
    const byte = Math.floor(bit / 8);
    image[byte] = (image[byte] ?? 0) | (1 << (bit & 7));
  }
}
