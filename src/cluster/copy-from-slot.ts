/**
 * Taking over another slot's bits (spec §4.3): its pages are read from the members, its dirty chunks become NEEDED in the
 * own slot, whose pages are written; then, where asked, the other slot is cleared. Mainline clears first, which leaves a
 * moment in which no slot has the bits (golden/writes finding 16); `safe` does not (D2).
 *
 * The caller has the other slot's lock, or knows that its owner leaves these bits alone.
 */

import { SlotmarkError } from "../errors.js";
import { BITMAP_SUPERBLOCK_BYTES, PAGE_BYTES, pageSector, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { memberFailed } from "./device-failure.js";
import { readFromMembers, writeListedPages, writePage } from "./member-output.js";
import type { NodeState } from "./node-state.js";

export interface CopiedSlot {
  /** Inclusive; null where the slot was clean. */
  readonly chunks: { readonly first: number; readonly last: number } | null;
}

/**
 * @param clear clears the other slot's bits on the members
 * @throws SlotmarkError `array-failed`, `node-gone`
 */
export function copyFromSlot(state: NodeState, slot: number, clear: boolean): CopiedSlot {
  const image = readSlot(state, slot);
  const dirtyPages = pagesWithBits(image);
  const merged = state.bitmap.merge(image);
  const clearPages = () => {
    if (clear) for (const page of dirtyPages) clearPage(state, slot, page, image);
  };
  if (state.options.variant !== "safe") clearPages();
  writeListedPages(state, state.bitmap.unplug(), "recovery");
  if (state.options.variant === "safe") clearPages();
  return { chunks: merged === null ? null : { first: merged.firstChunk, last: merged.lastChunk } };
}

/**
 * The slot's whole image. `safe` asks every member in sync and takes each bit that one of them has: a node that died
 * between two members' writes has left them different.
 */
export function readSlot(state: NodeState, slot: number): Uint8Array {
  const { geometry } = state;
  const offsetBytes = pageSector(geometry, slot, 0) * SECTOR_BYTES;
  const lengthBytes = geometry.pagesPerSlot * PAGE_BYTES;
  const image = readFromMembers(state, () => offsetBytes, lengthBytes);
  if (state.options.variant !== "safe") return image;
  for (const member of state.members.inSync.slice(1)) {
    try {
      addBits(image, member.device.read(offsetBytes, lengthBytes));
    } catch (error) {
      if (!(error instanceof SlotmarkError) || error.kind !== "device") throw error;
      memberFailed(state, member, error);
    }
  }
  return image;
}

function addBits(image: Uint8Array, other: Uint8Array): void {
  for (let byte = BITMAP_SUPERBLOCK_BYTES; byte < image.length; byte++) {
    image[byte] = (image[byte] ?? 0) | (other[byte] ?? 0);
  }
}

function pagesWithBits(image: Uint8Array): number[] {
  const pages: number[] = [];
  for (let page = 0; page * PAGE_BYTES < image.length; page++) {
    const from = page === 0 ? BITMAP_SUPERBLOCK_BYTES : page * PAGE_BYTES;
    if (image.subarray(from, (page + 1) * PAGE_BYTES).some((byte) => byte !== 0)) pages.push(page);
  }
  return pages;
}

function clearPage(state: NodeState, slot: number, page: number, image: Uint8Array): void {
  const from = page === 0 ? BITMAP_SUPERBLOCK_BYTES : page * PAGE_BYTES;
  image.fill(0, from, (page + 1) * PAGE_BYTES);
  writePage(state, slot, page, image, "recovery");
}
