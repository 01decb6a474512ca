/**
 * Taking over another slot's bits (spec §4.3): its pages are read from the members, its dirty chunks become NEEDED in the
 * own slot, whose pages are written; then, where asked, the other slot is cleared: its superblock, then its pages.
 * Mainline clears first, which leaves a moment in which no slot has the bits (golden/writes finding 16); `safe` does not
 * (D2).
 *
 * The caller has the other slot's lock, or knows that its owner leaves these bits alone.
 */

import { putSuperblock } from "../bitmap/superblock-fields.js";
import { SlotmarkError } from "../errors.js";
import { parseBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import { PAGE_BYTES, pageSector, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { memberFailed } from "./device-failure.js";
import { readFromMembers, writeListedPages, writePage } from "./member-output.js";
import type { NodeState } from "./node-state.js";
import { addBits, clearBits, setBitsOf } from "./slot-image.js";

export interface CopiedSlot {
  /** Inclusive; null where the slot was clean. */
  readonly chunks: { readonly first: number; readonly last: number } | null;
  /** How many bits were set. */
  readonly dirtyChunks: number;
}

/** What has just been done, in the variant's order. */
export type CopyStep = "merged" | "ownPagesWritten" | "deadSlotCleared";

export interface SlotCopy {
  /** Clears the other slot's bits on the members. */
  readonly clear: boolean;
  readonly onStep?: (step: CopyStep, dirtyChunks: number) => void;
}

/** @throws SlotmarkError `array-failed`, `node-gone` */
export function copyFromSlot(
  state: NodeState,
  slot: number,
  { clear, onStep = () => {} }: SlotCopy,
): CopiedSlot {
  const image = readSlot(state, slot);
  const { chunks: dirtyChunks, pages } = setBitsOf(image, state.geometry);
  const merged = state.bitmap.merge(image);
  onStep("merged", dirtyChunks);
  const writeOwn = () => {
    writeListedPages(state, state.bitmap.unplug(), "recovery");
    onStep("ownPagesWritten", dirtyChunks);
  };
  const clearOther = () => {
    if (!clear) return;
    clearSlot(state, slot, image, pages);
    onStep("deadSlotCleared", dirtyChunks);
  };
  const order = state.options.variant === "safe" ? [writeOwn, clearOther] : [clearOther, writeOwn];
  for (const run of order) run();
  return {
    chunks: merged === null ? null : { first: merged.firstChunk, last: merged.lastChunk },
    dirtyChunks,
  };
}

/**
 * The kernel writes page 0 of the bitmap that it has made of the slot for its superblock, of a clean slot too, then the
 * pages that had bits (K_kill). `safe` leaves what has not changed.
 */
function clearSlot(state: NodeState, slot: number, image: Uint8Array, pages: readonly number[]): void {
  const { geometry, events } = state;
  const { eventsCleared } = parseBitmapSuperblock(image);
  clearBits(image, geometry);
  putSuperblock(image, geometry, events, Math.min(Number(eventsCleared), events));
  const written = state.options.variant === "safe" ? pages : [0, ...pages];
  for (const page of written) writePage(state, slot, page, image, "recovery");
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
