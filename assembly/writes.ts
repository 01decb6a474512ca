/** Starting and ending application writes (spec §3.2 steps 4 and 7). */
import {
  COUNTER_MAX,
  COUNTER_PAGE_CHUNKS,
  COUNTER_PAGE_SHIFT,
  NEEDED,
  PAGE_BIT_SHIFT,
  SUPERBLOCK_BITS,
  SUPERBLOCK_BYTES,
  chunkShift,
  counterPending,
  counterTable,
  dirtyByBit,
  image,
  listable,
  ringSector,
  ringSectors,
  sizeSectors,
} from "./layout";
import { ENTRY_BIAS, addCounterPage, entryForWrite } from "./counters";
import { noteIdle } from "./daemon";

/**
 * A counter is at most 2 plus the writes in flight, so that none can overflow while fewer than this are: the usual batch needs
 * no look at its counters before it changes them.
 */
const SAFE_IN_FLIGHT: u32 = 16381;
/** 2^52: added to an integer double below it, leaves the integer in the mantissa; cheaper than a conversion. */
const MANTISSA: f64 = 4503599627370496.0;
const MANTISSA_MASK: u64 = 0xfffffffffffff;

let inFlight: u32 = 0;

export function forgetInFlight(): void {
  inFlight = 0;
}

/** Returns the number started, or -1 - i where event i passes the array's end. */
export function startWrites(first: u32, count: u32): i32 {
  const shift = chunkShift;
  const size = sizeSectors;
  const table = counterTable;
  const bits = image + SUPERBLOCK_BYTES;
  const dirtyPages = dirtyByBit;
  const groups = listable;
  const careful = inFlight + count > SAFE_IN_FLIGHT;
  let sectorAt = ringSector + (usize(first) << 3);
  let sectorsAt = ringSectors + (usize(first) << 2);
  for (let i: u32 = 0; i < count; i++) {
    const sector = reinterpret<u64>(load<f64>(sectorAt) + MANTISSA) & MANTISSA_MASK;
    const sectors = load<u32>(sectorsAt);
    sectorAt += 8;
    sectorsAt += 4;
    const last = sector + sectors - 1;
    if (i32(last >= size) | i32(sectors == 0)) {
      inFlight += i;
      return -1 - i32(i);
    }
    const from = u32(sector >> shift);
    const to = u32(last >> shift);
    if (careful && !hasRoom(from, to)) {
      inFlight += i;
      return i;
    }
    if (from == to) {
      const counterPage = from >> COUNTER_PAGE_SHIFT;
      let entry = load<u32>(table + (usize(counterPage) << 2));
      if (!entry) entry = addCounterPage(counterPage);
      const at: usize = from * 2 + entry;
      let word: u32 = load<u16>(at, ENTRY_BIAS);
      if (word < 2) {
        if (word == 0) {
          const byte = bits + (from >> 3);
          store<u8>(byte, load<u8>(byte) | u8(u32(1) << (from & 7)));
          const page = (from + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
          store<u8>(dirtyPages + page, 1);
          store<u8>(groups + (page >> 6), 1);
        }
        word = 2;
      }
      store<u16>(at, u16(word + 1), ENTRY_BIAS);
    } else {
      startRange(from, to);
    }
  }
  inFlight += count;
  return count;
}

/** Ends events; `missed`: their chunks become NEEDED. Returns 0, or -1 - i where event i passes the array's end. */
export function endWrites(first: u32, count: u32, missed: bool): i32 {
  const shift = chunkShift;
  const size = sizeSectors;
  const table = counterTable;
  const idlePages = counterPending;
  const needed: u32 = missed ? NEEDED : 0;
  let sectorAt = ringSector + (usize(first) << 3);
  let sectorsAt = ringSectors + (usize(first) << 2);
  let idle: u32 = 0;
  let beyond: i32 = 0;
  let i: u32 = 0;
  for (; i < count; i++) {
    const sector = reinterpret<u64>(load<f64>(sectorAt) + MANTISSA) & MANTISSA_MASK;
    const sectors = load<u32>(sectorsAt);
    sectorAt += 8;
    sectorsAt += 4;
    const last = sector + sectors - 1;
    if (i32(last >= size) | i32(sectors == 0)) {
      beyond = -1 - i32(i);
      break;
    }
    const from = u32(sector >> shift);
    const to = u32(last >> shift);
    if (from == to) {
      const counterPage = from >> COUNTER_PAGE_SHIFT;
      let entry = load<u32>(table + (usize(counterPage) << 2));
      if (!entry) entry = addCounterPage(counterPage);
      const at: usize = from * 2 + entry;
      const word = ((<u32>load<u16>(at, ENTRY_BIAS) | needed) - 1) & 0xffff;
      store<u16>(at, u16(word), ENTRY_BIAS);
      if (word <= 2) {
        store<u8>(idlePages + counterPage, 1);
        idle = 1;
      }
    } else {
      idle |= endRange(from, to, u16(needed));
    }
  }
  inFlight -= min(i, inFlight);
  if (idle) noteIdle();
  return beyond;
}

/** All lanes from `low` to `high` of eight. */
function lanes(low: u32, high: u32): v128 {
  const lane = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
  return v128.and(i16x8.ge_u(lane, i16x8.splat(i16(low))), i16x8.le_u(lane, i16x8.splat(i16(high))));
}

/** Eight counters at a time: their eight bits are one byte of the image, and never lie in two pages. */
function startRange(from: u32, to: u32): void {
  const bits = image + SUPERBLOCK_BYTES;
  const lastGroup = to >> 3;
  const two = i16x8.splat(2);
  const one = i16x8.splat(1);
  let low = from & 7;
  for (let group = from >> 3; group <= lastGroup; ) {
    const counterPage = group >> (COUNTER_PAGE_SHIFT - 3);
    const entry = entryForWrite(counterPage);
    const pageEnd = min(lastGroup, group | ((COUNTER_PAGE_CHUNKS >> 3) - 1));
    let fresh: u32 = 0;
    for (; group <= pageEnd; group++) {
      const at: usize = (group << 4) + entry;
      const words = v128.load(at, ENTRY_BIAS);
      const inside = lanes(low, group == lastGroup ? to & 7 : 7);
      low = 0;
      const started = i16x8.add(i16x8.max_u(words, two), one);
      v128.store(at, v128.bitselect(started, words, inside), ENTRY_BIAS);
      const zero = i16x8.bitmask(v128.and(i16x8.eq(words, i16x8.splat(0)), inside));
      if (zero) {
        store<u8>(bits + group, load<u8>(bits + group) | u8(zero));
        fresh = 1;
      }
    }
    if (fresh) {
      const page = ((counterPage << COUNTER_PAGE_SHIFT) + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
      store<u8>(dirtyByBit + page, 1);
      store<u8>(listable + (page >> 6), 1);
    }
  }
}

function endRange(from: u32, to: u32, needed: u16): u32 {
  const lastGroup = to >> 3;
  const two = i16x8.splat(2);
  const need = i16x8.splat(needed);
  let low = from & 7;
  let idle: u32 = 0;
  for (let group = from >> 3; group <= lastGroup; ) {
    const counterPage = group >> (COUNTER_PAGE_SHIFT - 3);
    const entry = entryForWrite(counterPage);
    const pageEnd = min(lastGroup, group | ((COUNTER_PAGE_CHUNKS >> 3) - 1));
    let idles = i16x8.splat(0);
    for (; group <= pageEnd; group++) {
      const at: usize = (group << 4) + entry;
      const inside = lanes(low, group == lastGroup ? to & 7 : 7);
      low = 0;
      const words = v128.or(v128.load(at, ENTRY_BIAS), v128.and(need, inside));
      // A lane inside is -1.
      const ended = i16x8.add(words, inside);
      v128.store(at, ended, ENTRY_BIAS);
      idles = v128.or(idles, v128.and(i16x8.le_u(ended, two), inside));
    }
    if (v128.any_true(idles)) {
      store<u8>(counterPending + counterPage, 1);
      idle = 1;
    }
  }
  return idle;
}

/** No counter of the range is at its maximum. */
function hasRoom(from: u32, to: u32): bool {
  const lastGroup = to >> 3;
  const max = i16x8.splat(COUNTER_MAX);
  let low = from & 7;
  for (let group = from >> 3; group <= lastGroup; group++) {
    const at: usize = (group << 4) + entryForWrite(group >> (COUNTER_PAGE_SHIFT - 3));
    const full = i16x8.eq(v128.and(v128.load(at, ENTRY_BIAS), max), max);
    if (v128.any_true(v128.and(full, lanes(low, group == lastGroup ? to & 7 : 7)))) return false;
    low = 0;
  }
  return true;
}
