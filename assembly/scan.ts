/** Counting and finding set bits. Padding after the last chunk never counts. */
import {
  PAGE_BYTES,
  SUPERBLOCK_BYTES,
  bitsOnDisk,
  chunks,
  image,
  listPage,
  pageCount,
  positions,
  scratch,
} from "./layout";
import { storePositions } from "./pages";

/**
 * Set bits of the chunks from `from`, a multiple of 8, to below `to`. Twelve words a step into six sums: with fewer the machine waits
 * for a sum or for the loop, with more V8 runs out of registers.
 */
function countChunks(from: u32, to: u32): u32 {
  let at = image + SUPERBLOCK_BYTES + (from >> 3);
  const bits = to - from;
  const end = at + ((bits >> 6) << 3);
  let a: u64 = 0;
  let b: u64 = 0;
  let c: u64 = 0;
  let d: u64 = 0;
  let e: u64 = 0;
  let f: u64 = 0;
  for (; at + 96 <= end; at += 96) {
    a += popcnt(load<u64>(at));
    b += popcnt(load<u64>(at, 8));
    c += popcnt(load<u64>(at, 16));
    d += popcnt(load<u64>(at, 24));
    e += popcnt(load<u64>(at, 32));
    f += popcnt(load<u64>(at, 40));
    a += popcnt(load<u64>(at, 48));
    b += popcnt(load<u64>(at, 56));
    c += popcnt(load<u64>(at, 64));
    d += popcnt(load<u64>(at, 72));
    e += popcnt(load<u64>(at, 80));
    f += popcnt(load<u64>(at, 88));
  }
  for (; at < end; at += 8) a += popcnt(load<u64>(at));
  const left = bits & 63;
  if (left) b += popcnt(load<u64>(at) & ((u64(1) << left) - 1));
  return u32(a + b + c + d + e + f);
}

export function countDirty(): u32 {
  return countChunks(0, chunks);
}

let totalOnDisk: u32 = 0;

/** The first `listed` pages of the list are now on disk as they are here; returns the bits on disk of all pages. */
export function noteListed(listed: u32): u32 {
  for (let i: u32 = 0; i < listed; i++) notePage(load<u32>(listPage + (usize(i) << 2)));
  return totalOnDisk;
}

/** All pages are on disk as they are here. */
export function noteAll(): void {
  for (let page: u32 = 0; page < pageCount; page++) notePage(page);
}

function notePage(page: u32): void {
  const from: u32 = page ? page * 32768 - 2048 : 0;
  const bits = countChunks(from, min(chunks, page * 32768 + 30720));
  const at = bitsOnDisk + (usize(page) << 2);
  totalOnDisk += bits - load<u32>(at);
  store<u32>(at, bits);
}

/** Inclusive ranges of set chunks from chunk `from`, at most `maxRanges`, as pairs at `scratch`; returns how many. */
export function scanRanges(from: u32, maxRanges: u32): u32 {
  let at = scratch;
  let found: u32 = 0;
  while (found < maxRanges) {
    const first = nextSet(from);
    if (first >= chunks) break;
    from = nextClear(first + 1);
    store<u32>(at, first);
    store<u32>(at, from - 1, 4);
    at += 8;
    found++;
  }
  return found;
}

/** First set chunk at or after `from`; at least `chunks` where there is none. */
function nextSet(from: u32): u32 {
  if (from >= chunks) return chunks;
  const bits = image + SUPERBLOCK_BYTES;
  let word = load<u64>(bits + ((from >> 6) << 3)) & (~u64(0) << (from & 63));
  let base = from & ~63;
  while (!word) {
    base += 64;
    if (base >= chunks) return chunks;
    word = load<u64>(bits + (base >> 3));
  }
  return base + u32(ctz(word));
}

/** First clear chunk at or after `from`, or `chunks`. */
function nextClear(from: u32): u32 {
  if (from >= chunks) return chunks;
  const bits = image + SUPERBLOCK_BYTES;
  let word = ~load<u64>(bits + ((from >> 6) << 3)) & (~u64(0) << (from & 63));
  let base = from & ~63;
  while (!word) {
    base += 64;
    if (base >= chunks) return chunks;
    word = ~load<u64>(bits + (base >> 3));
  }
  return min(base + u32(ctz(word)), chunks);
}

/** Where the next scan goes on. */
export let scannedTo: u32 = 0;

/** Chunks of one step of a scan. */
const BLOCK_CHUNKS: u32 = 512;
/** From this many bytes of a block on that are not zero, each is visited in turn instead of found. */
const DENSE_BYTES: u64 = 40;
/** From this many on the next block is likely to have some, too, and is not tested for zeros first. */
const SPARSE_BYTES: u64 = 4;
/** Between the two: a block with fewer is better searched by words than by bytes. */
const MIDDLING_BYTES: u64 = 16;
/** Chunks found in a block that is searched by words, with which the next one is, too. */
const FEWEST_BY_WORDS: usize = 2;
const MOST_BY_WORDS: usize = 20;

/**
 * Set chunks from chunk `from`, a multiple of 512, as numbers at `scratch`, stopping when `room` could be passed.
 *
 * What costs is not to find bits but to mispredict how many there are. So how a block is searched depends on how full the one
 * before was: zeros are skipped; few bits are taken two a word, meant or not, with a branch for more; where there are more,
 * the bytes that are not zero are found by comparison, 64 at a time, and a table gives all positions of a byte without a branch.
 */
export function scanChunks(from: u32, room: u32): u32 {
  const bits = image + SUPERBLOCK_BYTES;
  const whole = chunks & ~(BLOCK_CHUNKS - 1);
  const start = scratch;
  const full = start + (usize(room - BLOCK_CHUNKS) << 2);
  let out = start;
  let base = from;
  while (true) {
    base = skipZeros(bits, base, whole);
    if (base >= whole || out > full) break;
    let busy: u64 = 0;
    do {
      const at = bits + (base >> 3);
      const set = nonZeroBytes(at);
      busy = popcnt(set);
      out = busy >= DENSE_BYTES ? findInEveryByte(out, at, base) : findInBytes(out, at, base, set);
      base += BLOCK_CHUNKS;
    } while (busy >= MIDDLING_BYTES && base < whole && out <= full);
    if (busy < SPARSE_BYTES) continue;
    while (base < whole && out <= full) {
      const before = out;
      const at = bits + (base >> 3);
      out = findInWord(out, load<u64>(at), base);
      out = findInWord(out, load<u64>(at, 8), base + 64);
      out = findInWord(out, load<u64>(at, 16), base + 128);
      out = findInWord(out, load<u64>(at, 24), base + 192);
      out = findInWord(out, load<u64>(at, 32), base + 256);
      out = findInWord(out, load<u64>(at, 40), base + 320);
      out = findInWord(out, load<u64>(at, 48), base + 384);
      out = findInWord(out, load<u64>(at, 56), base + 448);
      base += BLOCK_CHUNKS;
      const found = (out - before) >> 2;
      if (found < FEWEST_BY_WORDS || found > MOST_BY_WORDS) break;
    }
  }
  if (base >= whole && base < chunks && out <= full) {
    out = findInLast(out, bits, base);
    base = chunks;
  }
  scannedTo = base;
  return u32((out - start) >> 2);
}

/** The next block with a set bit, or `whole`. */
function skipZeros(bits: usize, base: u32, whole: u32): u32 {
  for (; base + 2 * BLOCK_CHUNKS <= whole; base += 2 * BLOCK_CHUNKS) {
    const at = bits + (base >> 3);
    if (v128.any_true(v128.or(orOfBlock(at), orOfBlock(at + 64)))) break;
  }
  while (base < whole && !v128.any_true(orOfBlock(bits + (base >> 3)))) base += BLOCK_CHUNKS;
  return base;
}

function orOfBlock(at: usize): v128 {
  return v128.or(
    v128.or(v128.load(at), v128.load(at, 16)),
    v128.or(v128.load(at, 32), v128.load(at, 48)),
  );
}

/** Stores up to two numbers more than are found. */
// @ts-ignore: decorator
@inline
function findInWord(out: usize, word: u64, base: u32): usize {
  const count = usize(popcnt(word));
  store<u32>(out, base + u32(ctz(word)));
  let left = word & (word - 1);
  store<u32>(out, base + u32(ctz(left)), 4);
  if (count > 2) {
    let at = out;
    do {
      left &= left - 1;
      store<u32>(at, base + u32(ctz(left)), 8);
      at += 4;
    } while (left & (left - 1));
  }
  return out + (count << 2);
}

function findInEveryByte(out: usize, at: usize, base: u32): usize {
  for (const end = at + 64; at < end; at++, base += 8) {
    const byte = usize(load<u8>(at));
    storePositions(out, byte, base);
    out += usize(popcnt(byte)) << 2;
  }
  return out;
}

/** `set`: which of the 64 bytes are not zero. */
function findInBytes(out: usize, at: usize, base: u32, set: u64): usize {
  const table = positions;
  for (; set; set &= set - 1) {
    const index = u32(ctz(set));
    const byte = usize(load<u8>(at + index));
    const count = popcnt(byte);
    const first = i32x4.splat(base + (index << 3));
    v128.store(out, i32x4.add(first, v128.load(table + (byte << 5))));
    if (count > 4) v128.store(out, i32x4.add(first, v128.load(table + (byte << 5), 16)), 16);
    out += count << 2;
  }
  return out;
}

/** Which of 64 bytes are not zero. */
function nonZeroBytes(at: usize): u64 {
  const low = nonZero(v128.load(at)) | (nonZero(v128.load(at, 16)) << 16);
  return low | (nonZero(v128.load(at, 32)) << 32) | (nonZero(v128.load(at, 48)) << 48);
}

function nonZero(bytes: v128): u64 {
  return u64(~i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0))) & 0xffff);
}

/** The block that padding follows in. */
function findInLast(out: usize, bits: usize, base: u32): usize {
  for (; base < chunks; base += 8) {
    let byte = usize(load<u8>(bits + (base >> 3)));
    if (chunks - base < 8) byte &= (1 << (chunks - base)) - 1;
    storePositions(out, byte, base);
    out += usize(popcnt(byte)) << 2;
  }
  return out;
}
