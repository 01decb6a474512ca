/**
 * A slot's bytes as they lie on the members, for one that is not this node's own: where its bits are set, and the bits of
 * the array's chunks cleared. What lies behind the last chunk is padding, and stays as it is.
 */
import { DirtyChunkScan } from "../ondisk/dirty-chunks.js";
import {
  BITMAP_SUPERBLOCK_BITS,
  BITMAP_SUPERBLOCK_BYTES,
  BITS_PER_PAGE,
  PAGE_BYTES,
  type SlotGeometry,
} from "../ondisk/slot-geometry.js";

export interface SetBits {
  readonly chunks: number;
  /** Pages that have any of them, ascending. */
  readonly pages: readonly number[];
}

/** @param image all pages of the slot, superblock included */
export function setBitsOf(image: Uint8Array, { chunks }: Pick<SlotGeometry, "chunks">): SetBits {
  const pages = new Set<number>();
  const pageOf = (chunk: number) => Math.floor((chunk + BITMAP_SUPERBLOCK_BITS) / BITS_PER_PAGE);
  const scan = new DirtyChunkScan(chunks, (first, last) => {
    for (let page = pageOf(first); page <= pageOf(last); page++) pages.add(page);
  });
  scan.push(image.subarray(BITMAP_SUPERBLOCK_BYTES));
  scan.finish();
  return { chunks: scan.dirtyChunks, pages: [...pages] };
}

export function clearBits(image: Uint8Array, { chunks }: Pick<SlotGeometry, "chunks">): void {
  const end = BITMAP_SUPERBLOCK_BYTES + Math.floor(chunks / 8);
  image.fill(0, BITMAP_SUPERBLOCK_BYTES, end);
  if (chunks % 8 !== 0) image[end] = (image[end] ?? 0) & (0xff << (chunks % 8));
}

/** Adds the bits of another copy of the slot. */
export function addBits(image: Uint8Array, other: Uint8Array): void {
  for (let at = BITMAP_SUPERBLOCK_BYTES; at < image.length; at += PAGE_BYTES) {
    const end = Math.min(image.length, at + PAGE_BYTES);
    if (Buffer.compare(image.subarray(at, end), other.subarray(at, end)) === 0) continue;
    for (let byte = at; byte < end; byte++) image[byte] = (image[byte] ?? 0) | (other[byte] ?? 0);
  }
}
