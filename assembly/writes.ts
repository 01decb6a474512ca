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
  inChunkMask,
  listable,
  ringSector,
  ringSectors,
  scratch,
  sizeSectors,
  wholeChunks,
} from "./layout";
import { ENTRY_BIAS, entryForWrite } from "./counters";
import { noteIdle } from "./daemon";

/**
 * A counter is at most 2 plus the writes in flight, so that none can overflow while fewer than this are: the usual batch needs
 * no look at its counters before it changes them.
 */
const SAFE_IN_FLIGHT: u32 = 16381;
/** 2^52: added to a whole double below it, leaves the number in the mantissa; cheaper than a conversion. */
const MANTISSA: f64 = 4503599627370496.0;
const MANTISSA_MASK: u64 = 0xfffffffffffff;

let inFlight: u32 = 0;

export function forgetInFlight(): void {
  inFlight = 0;
}

/*
 * V8 gives a loop without calls its registers, and one with a call on a rare path none. So the first loop of either function knows
 * only events inside one whole chunk, the second those inside one counter page, and what is more unusual (a counter page's end, a page
 * not yet present, the array's end, counters that may be full, degraded arrays) leaves both, is done in full by a function, and
 * the first loop begins again.
 */

/** Returns the number started, or -1 - i where event i passes the array's end. */
export function startWrites(first: u32, count: u32): i32 {
  const shift = chunkShift;
  const inChunk = inChunkMask;
  const whole = u64(wholeChunks);
  const size = sizeSectors;
  const table = counterTable;
  const bits = image + SUPERBLOCK_BYTES;
  const dirtyPages = dirtyByBit;
  const groups = listable;
  const mantissa = opaque(MANTISSA);
  const exponent = reinterpret<u64>(mantissa);
  const careful = inFlight + count > SAFE_IN_FLIGHT;
  const begin = ringSector + (usize(first) << 3);
  const end = begin + (usize(count) << 3);
  const usualEnd = careful ? begin : end;
  let at = begin;
  let sectorsAt = ringSectors + (usize(first) << 2);
  while (true) {
    for (; at < usualEnd; at += 8, sectorsAt += 4) {
      const place = reinterpret<u64>(load<f64>(at) + mantissa) - exponent;
      const wideChunk = place >> shift;
      if (wideChunk >= whole) break;
      const chunk = u32(wideChunk);
      // An empty write is very long, too.
      const more: u32 = load<u32>(sectorsAt) - 1;
      if (u64(u32(place) & inChunk) + u64(more) > u64(inChunk)) break;
      const entry = load<u32>(table + (usize(chunk >> COUNTER_PAGE_SHIFT) << 2));
      if (!entry) break;
      const counter: usize = chunk * 2 + entry;
      let word: u32 = load<u16>(counter, ENTRY_BIAS);
      if (word < 2) {
        if (word == 0) {
          const byte = bits + (chunk >> 3);
          store<u8>(byte, load<u8>(byte) | u8(u32(1) << (chunk & 7)));
          const page = (chunk + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
          store<u8>(dirtyPages + page, 1);
          store<u8>(groups + (page >> 6), 1);
        }
        word = 2;
      }
      store<u16>(counter, u16(word + 1), ENTRY_BIAS);
    }
    if (at >= end) break;
    for (; at < usualEnd; at += 8, sectorsAt += 4) {
      const sector = reinterpret<u64>(load<f64>(at) + mantissa) - exponent;
      const sectors = load<u32>(sectorsAt);
      const last = sector + u64(sectors) - 1;
      if (last >= size) break;
      if (!sectors) break;
      const from = u32(sector >> shift);
      const to = u32(last >> shift);
      const entry = load<u32>(table + (usize(from >> COUNTER_PAGE_SHIFT) << 2));
      if (i32(!entry) | i32((from ^ to) >> COUNTER_PAGE_SHIFT)) break;
      startPiece(from, to, entry, bits);
    }
    if (at >= end) break;
    const refused = startEvent(at, sectorsAt, careful);
    if (refused) {
      const started = i32((at - begin) >> 3);
      inFlight += started;
      return refused == BEYOND ? -1 - started : started;
    }
    at += 8;
    sectorsAt += 4;
  }
  inFlight += count;
  return count;
}

/** Ends events; `missed`: their chunks become NEEDED. Returns 0, or -1 - i where event i passes the array's end. */
export function endWrites(first: u32, count: u32, missed: bool): i32 {
  const shift = chunkShift;
  const inChunk = inChunkMask;
  const whole = u64(wholeChunks);
  const size = sizeSectors;
  const table = counterTable;
  const idlePages = counterPending;
  const mantissa = opaque(MANTISSA);
  const exponent = reinterpret<u64>(mantissa);
  const begin = ringSector + (usize(first) << 3);
  const end = begin + (usize(count) << 3);
  const usualEnd = missed ? begin : end;
  let at = begin;
  let sectorsAt = ringSectors + (usize(first) << 2);
  let leastWord: u32 = 0xffff;
  while (true) {
    for (; at < usualEnd; at += 8, sectorsAt += 4) {
      const place = reinterpret<u64>(load<f64>(at) + mantissa) - exponent;
      const wideChunk = place >> shift;
      if (wideChunk >= whole) break;
      const chunk = u32(wideChunk);
      // An empty write is very long, too.
      const more: u32 = load<u32>(sectorsAt) - 1;
      if (u64(u32(place) & inChunk) + u64(more) > u64(inChunk)) break;
      const entry = load<u32>(table + (usize(chunk >> COUNTER_PAGE_SHIFT) << 2));
      if (!entry) break;
      const counter: usize = chunk * 2 + entry;
      const word = (<u32>load<u16>(counter, ENTRY_BIAS) - 1) & 0xffff;
      store<u16>(counter, u16(word), ENTRY_BIAS);
      if (word <= 2) {
        store<u8>(idlePages + (chunk >> COUNTER_PAGE_SHIFT), 1);
        leastWord = word;
      }
    }
    if (at >= end) break;
    for (; at < usualEnd; at += 8, sectorsAt += 4) {
      const sector = reinterpret<u64>(load<f64>(at) + mantissa) - exponent;
      const sectors = load<u32>(sectorsAt);
      const last = sector + u64(sectors) - 1;
      if (last >= size) break;
      if (!sectors) break;
      const from = u32(sector >> shift);
      const to = u32(last >> shift);
      const entry = load<u32>(table + (usize(from >> COUNTER_PAGE_SHIFT) << 2));
      if (i32(!entry) | i32((from ^ to) >> COUNTER_PAGE_SHIFT)) break;
      if (endPiece(from, to, entry, 0)) {
        store<u8>(idlePages + (from >> COUNTER_PAGE_SHIFT), 1);
        leastWord = 0;
      }
    }
    if (at >= end) break;
    if (endEvent(at, sectorsAt, missed)) break;
    at += 8;
    sectorsAt += 4;
  }
  const ended = u32((at - begin) >> 3);
  inFlight -= min(ended, inFlight);
  if (leastWord <= 2) noteIdle();
  return ended < count ? -1 - i32(ended) : 0;
}

const BEYOND: i32 = 1;
const FULL: i32 = 2;

/** Where one event begins and ends; last is at least the array's size where it is empty or passes the end. */
function firstSector(at: usize): u64 {
  return reinterpret<u64>(load<f64>(at) + MANTISSA) & MANTISSA_MASK;
}

function lastSector(sector: u64, sectors: u32): u64 {
  return sectors ? sector + u64(sectors) - 1 : u64.MAX_VALUE;
}

/** 0, or why it is refused. Exported, as endEvent, so that the optimiser leaves it out of its only caller. */
export function startEvent(at: usize, sectorsAt: usize, careful: bool): i32 {
  const sector = firstSector(at);
  const last = lastSector(sector, load<u32>(sectorsAt));
  if (last >= sizeSectors) return BEYOND;
  const from = u32(sector >> chunkShift);
  const to = u32(last >> chunkShift);
  if (careful && !hasRoom(from, to)) return FULL;
  startRange(from, to);
  return 0;
}

export function endEvent(at: usize, sectorsAt: usize, missed: bool): i32 {
  const sector = firstSector(at);
  const last = lastSector(sector, load<u32>(sectorsAt));
  if (last >= sizeSectors) return BEYOND;
  if (endRange(u32(sector >> chunkShift), u32(last >> chunkShift), missed ? NEEDED : 0)) noteIdle();
  return 0;
}

/** A constant that the compiler keeps in a register, as it cannot make it anew. */
function opaque(value: f64): f64 {
  store<f64>(scratch, value);
  return load<f64>(scratch);
}

/** All bits of the lanes from `low` on, and of those up to `high`, of eight: slices of a run of ones between zeros. */
const ONES = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

function lanesFrom(low: u32): v128 {
  return v128.load(ONES + 16 - usize(low << 1));
}

function lanesTo(high: u32): v128 {
  return v128.load(ONES + 30 - usize(high << 1));
}

function startRange(from: u32, to: u32): void {
  while (true) {
    const end = min(to, from | (COUNTER_PAGE_CHUNKS - 1));
    startPiece(from, end, entryForWrite(from >> COUNTER_PAGE_SHIFT), image + SUPERBLOCK_BYTES);
    if (end == to) return;
    from = end + 1;
  }
}

/**
 * Chunks of one counter page, which are of one page of the image, too. Eight counters at a time: their eight bits are one byte of
 * the image.
 */
// @ts-ignore: decorator
@inline
function startPiece(from: u32, to: u32, entry: u32, bits: usize): void {
  const firstGroup = from >> 3;
  const lastGroup = to >> 3;
  let inside = lanesFrom(from & 7);
  let byte = bits + firstGroup;
  let at: usize = (firstGroup << 4) + entry;
  const end: usize = (lastGroup << 4) + entry;
  let fresh: u32 = 0;
  if (at != end) {
    fresh = startGroup(at, byte, inside);
    inside = lanesTo(7);
    at += 16;
    byte++;
    const zero = i16x8.splat(0);
    const one = i16x8.splat(1);
    const two = i16x8.splat(2);
    for (; at < end; at += 16, byte++) {
      const words = v128.load(at, ENTRY_BIAS);
      const clean = i16x8.eq(words, zero);
      v128.store(at, i16x8.add(i16x8.max_u(words, two), one), ENTRY_BIAS);
      if (!v128.any_true(clean)) continue;
      store<u8>(byte, load<u8>(byte) | u8(i16x8.bitmask(clean)));
      fresh = 1;
    }
  }
  fresh |= startGroup(at, byte, v128.and(inside, lanesTo(to & 7)));
  if (fresh) {
    const page: usize = (from + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
    store<u8>(dirtyByBit + page, 1);
    store<u8>(listable + (page >> 6), 1);
  }
}

function startGroup(at: usize, byte: usize, inside: v128): u32 {
  const words = v128.load(at, ENTRY_BIAS);
  const started = i16x8.add(i16x8.max_u(words, i16x8.splat(2)), i16x8.splat(1));
  v128.store(at, v128.bitselect(started, words, inside), ENTRY_BIAS);
  const clean = i16x8.bitmask(v128.and(i16x8.eq(words, i16x8.splat(0)), inside));
  if (clean) store<u8>(byte, load<u8>(byte) | u8(clean));
  return clean;
}

/** Returns whether a chunk has become idle. */
function endRange(from: u32, to: u32, needed: u16): bool {
  let idle = false;
  while (true) {
    const end = min(to, from | (COUNTER_PAGE_CHUNKS - 1));
    const counterPage = from >> COUNTER_PAGE_SHIFT;
    if (endPiece(from, end, entryForWrite(counterPage), needed)) {
      store<u8>(counterPending + counterPage, 1);
      idle = true;
    }
    if (end == to) return idle;
    from = end + 1;
  }
}

/** Returns whether a chunk has become idle. */
// @ts-ignore: decorator
@inline
function endPiece(from: u32, to: u32, entry: u32, needed: u16): bool {
  const all = lanesTo(7);
  let inside = lanesFrom(from & 7);
  let at: usize = ((from >> 3) << 4) + entry;
  const end: usize = ((to >> 3) << 4) + entry;
  let least = all;
  if (at != end) {
    least = endGroup(at, inside, needed);
    inside = all;
    for (at += 16; at < end; at += 16) {
      // A lane of `all` is -1.
      const words = v128.load(at, ENTRY_BIAS);
      const ended = i16x8.add(needed ? v128.or(words, i16x8.splat(needed)) : words, all);
      v128.store(at, ended, ENTRY_BIAS);
      least = i16x8.min_u(least, ended);
    }
  }
  least = i16x8.min_u(least, endGroup(at, v128.and(inside, lanesTo(to & 7)), needed));
  return v128.any_true(i16x8.le_u(least, i16x8.splat(2)));
}

/** The words after their end; those of lanes outside are at their maximum. */
// @ts-ignore: decorator
@inline
function endGroup(at: usize, inside: v128, needed: u16): v128 {
  const read = v128.load(at, ENTRY_BIAS);
  const words = needed ? v128.or(read, v128.and(i16x8.splat(needed), inside)) : read;
  const ended = i16x8.add(words, inside);
  v128.store(at, ended, ENTRY_BIAS);
  return v128.or(ended, v128.not(inside));
}

/** No counter of the range is at its maximum. */
function hasRoom(from: u32, to: u32): bool {
  const lastGroup = to >> 3;
  const max = i16x8.splat(COUNTER_MAX);
  let inside = lanesFrom(from & 7);
  for (let group = from >> 3; group <= lastGroup; group++) {
    const at: usize = (group << 4) + entryForWrite(group >> (COUNTER_PAGE_SHIFT - 3));
    const full = i16x8.eq(v128.and(v128.load(at, ENTRY_BIAS), max), max);
    if (group == lastGroup) inside = v128.and(inside, lanesTo(to & 7));
    if (v128.any_true(v128.and(full, inside))) return false;
    inside = lanesTo(7);
  }
  return true;
}
