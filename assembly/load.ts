/** Starting from an image on disk, and taking over another slot's bits (spec §3.6, §4.3). */
import {
  COUNTER_PAGE_SHIFT,
  NEEDED,
  PAGE_BIT_SHIFT,
  PAGE_BYTES,
  SUPERBLOCK_BITS,
  SUPERBLOCK_BYTES,
  ageing,
  chunks,
  counterPageCount,
  counterPending,
  dirty,
  dirtyByBit,
  image,
  listable,
  needWrite,
  pageCount,
  pending,
  scratch,
} from "./layout";
import { ENTRY_BIAS, entryForWrite, forgetCounters } from "./counters";
import { noteIdle } from "./daemon";
import { forgetInFlight } from "./writes";

/** Everything but the images. */
export function forget(): void {
  const groups = (pageCount + 63) >> 6;
  forgetCounters(counterPageCount);
  memory.fill(counterPending, 0, counterPageCount);
  memory.fill(dirty, 0, pageCount);
  memory.fill(pending, 0, pageCount);
  memory.fill(needWrite, 0, pageCount);
  memory.fill(listable, 0, groups);
  memory.fill(ageing, 0, groups);
  forgetInFlight();
  noteIdle();
}

/** Sets every bit to the end of the last page and leaves every page dirty. */
export function fillStale(): void {
  memory.fill(image + SUPERBLOCK_BYTES, 0xff, usize(pageCount) * PAGE_BYTES - SUPERBLOCK_BYTES);
  memory.fill(dirty, 1, pageCount);
  memory.fill(listable, 1, (pageCount + 63) >> 6);
}

/** Counters of the set bits: 2, with NEEDED from chunk `neededFrom` on. Counters must be all zero. */
export function takeCounters(neededFrom: u32): void {
  const bits = image + SUPERBLOCK_BYTES;
  const bytes = (chunks + 7) >> 3;
  for (let block: u32 = 0; block < bytes; block += 16) {
    if (!v128.any_true(v128.load(bits + block))) continue;
    const end = min(block + 16, bytes);
    for (let group = block; group < end; group++) {
      const set = bitsOfGroup(bits + group, group);
      if (!set) continue;
      const counterPage = group >> (COUNTER_PAGE_SHIFT - 3);
      const at: usize = (group << 4) + entryForWrite(counterPage);
      const first = group << 3;
      const lane = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
      const before = i16(neededFrom <= first ? 0 : min(neededFrom - first, 8));
      const needed = i16x8.ge_s(lane, i16x8.splat(before));
      const word = v128.or(i16x8.splat(2), v128.and(needed, i16x8.splat(i16(NEEDED))));
      v128.store(at, v128.and(lanesOf(set), word), ENTRY_BIAS);
      store<u8>(counterPending + counterPage, 1);
    }
  }
  noteIdle();
}

export let firstMerged: u32 = 0;
export let lastMerged: u32 = 0;

/**
 * Merges `count` pages of another slot, which lie at `scratch` and begin with page `firstPage` of that slot. Returns whether a
 * chunk was merged, the first and last of which are then in firstMerged and lastMerged.
 */
export function mergePages(firstPage: u32, count: u32): bool {
  const slotBase = usize(firstPage) * PAGE_BYTES;
  const bytes = usize((chunks + 7) >> 3) + SUPERBLOCK_BYTES;
  const from = max(slotBase, SUPERBLOCK_BYTES);
  const to = min(slotBase + usize(count) * PAGE_BYTES, bytes);
  let any = false;
  let becameIdle = false;
  for (let block = from; block < to; block += 16) {
    if (!v128.any_true(v128.load(scratch + (block - slotBase)))) continue;
    const end = min(block + 16, to);
    for (let byte = block; byte < end; byte++) {
      const group = u32(byte - SUPERBLOCK_BYTES);
      const set = bitsOfGroup(scratch + (byte - slotBase), group);
      if (!set) continue;
      const counterPage = group >> (COUNTER_PAGE_SHIFT - 3);
      const at: usize = (group << 4) + entryForWrite(counterPage);
      const words = v128.load(at, ENTRY_BIAS);
      const inside = lanesOf(set);
      const clean = v128.and(i16x8.eq(words, i16x8.splat(0)), inside);
      const idle = v128.and(clean, i16x8.splat(2));
      const need = v128.and(inside, i16x8.splat(i16(NEEDED)));
      v128.store(at, v128.or(words, v128.or(idle, need)), ENTRY_BIAS);
      if (v128.any_true(clean)) {
        store<u8>(counterPending + counterPage, 1);
        becameIdle = true;
      }
      store<u8>(image + byte, load<u8>(image + byte) | u8(set));
      const page: usize = ((group << 3) + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
      store<u8>(dirtyByBit + page, 1);
      store<u8>(listable + (page >> 6), 1);
      if (!any) firstMerged = (group << 3) + ctz(set);
      lastMerged = (group << 3) + 31 - clz(set);
      any = true;
    }
  }
  if (becameIdle) noteIdle();
  return any;
}

/** The bits of eight chunks, without padding after the last chunk. */
function bitsOfGroup(at: usize, group: u32): u32 {
  const set: u32 = load<u8>(at);
  const left = chunks - (group << 3);
  return left < 8 ? set & ((1 << left) - 1) : set;
}

/** The lanes of a byte's set bits. */
function lanesOf(set: u32): v128 {
  const bit = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  return i16x8.eq(v128.and(i16x8.splat(i16(set)), bit), bit);
}
