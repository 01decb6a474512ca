/** The daemon's pass (spec §3.4) and whether it has work. */
import {
  COUNTER_PAGE_BYTES,
  COUNTER_PAGE_SHIFT,
  PAGE_BIT_SHIFT,
  SUPERBLOCK_BITS,
  SUPERBLOCK_BYTES,
  ageing,
  counterPageCount,
  counterPending,
  image,
  listable,
  needWrite,
  needWriteByBit,
  pageCount,
  pending,
  pendingByBit,
} from "./layout";
import { firstCounterOf } from "./counters";
import { listUntilDirty } from "./pages";

let allClean: bool = true;

export function isAllClean(): bool {
  return allClean;
}

export function noteIdle(): void {
  allClean = false;
}

/** One pass; `superblockChanged`: the caller has put events_cleared into page 0. Returns how many pages are listed. */
export function daemonPass(superblockChanged: bool): u32 {
  if (allClean) return 0;
  allClean = true;
  promotePending();
  if (superblockChanged) {
    store<u8>(needWrite, 1);
    store<u8>(listable, 1);
  }
  for (let first: u32 = 0; first < counterPageCount; first += 16) {
    const marks = v128.load(counterPending + first);
    if (!v128.any_true(marks)) continue;
    v128.store(counterPending + first, i8x16.splat(0));
    for (let set = ~i8x16.bitmask(i8x16.eq(marks, i8x16.splat(0))) & 0xffff; set; set &= set - 1) {
      ageCounterPage(first + ctz(set));
    }
  }
  return listUntilDirty();
}

/** Pages whose bits were cleared since the last pass are to be written by this one. */
function promotePending(): void {
  const groups = (pageCount + 63) >> 6;
  for (let group: u32 = 0; group < groups; group++) {
    if (!load<u8>(ageing + group)) continue;
    store<u8>(ageing + group, 0);
    store<u8>(listable + group, 1);
    for (let at: usize = group << 6, end: usize = at + 64; at < end; at += 16) {
      v128.store(needWrite + at, v128.or(v128.load(needWrite + at), v128.load(pending + at)));
      v128.store(pending + at, i8x16.splat(0));
    }
  }
}

/** 2 becomes 1, 1 becomes 0 and clears its bit: sixteen counters give two bytes of the image. */
function ageCounterPage(counterPage: u32): void {
  const counters = firstCounterOf(counterPage);
  const bits = image + SUPERBLOCK_BYTES + (usize(counterPage) << (COUNTER_PAGE_SHIFT - 3));
  const one = i16x8.splat(1);
  let stillIdle = i16x8.splat(0);
  let cleared: u32 = 0;
  for (let i: usize = 0; i < COUNTER_PAGE_BYTES; i += 32) {
    const at = counters + i;
    const a = v128.load(at);
    const b = v128.load(at, 16);
    // word - 1 is 0 or 1 for the words 1 and 2 alone.
    const idleA = i16x8.le_u(i16x8.sub(a, one), one);
    const idleB = i16x8.le_u(i16x8.sub(b, one), one);
    if (!v128.any_true(v128.or(idleA, idleB))) continue;
    const nextA = i16x8.add(a, idleA);
    const nextB = i16x8.add(b, idleB);
    v128.store(at, nextA);
    v128.store(at, nextB, 16);
    const zero = i16x8.splat(0);
    const goneA = v128.and(i16x8.eq(nextA, zero), idleA);
    const goneB = v128.and(i16x8.eq(nextB, zero), idleB);
    stillIdle = v128.or(stillIdle, v128.or(v128.xor(idleA, goneA), v128.xor(idleB, goneB)));
    const gone = i8x16.bitmask(i8x16.narrow_i16x8_s(goneA, goneB));
    if (gone) {
      const bytes = bits + (i >> 4);
      store<u16>(bytes, load<u16>(bytes) & ~u16(gone));
      cleared = 1;
    }
  }
  if (v128.any_true(stillIdle)) {
    store<u8>(counterPending + counterPage, 1);
    allClean = false;
  }
  if (cleared) {
    const page: usize = ((counterPage << COUNTER_PAGE_SHIFT) + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
    if (!load<u8>(needWriteByBit + page)) {
      store<u8>(pendingByBit + page, 1);
      store<u8>(ageing + (page >> 6), 1);
      allClean = false;
    }
  }
}
