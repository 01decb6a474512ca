/**
 * The hot path and, for the comparison with bitset libraries, what a plain bitset does with the same bits. Addresses are bytes;
 * bitmaps are 8-byte aligned.
 */
import { dirty, listable } from "../layout";

export * from "../index";
export { finishList } from "../pages";

/** Sets the bits of `count` u32 chunk numbers. */
export function setBits(bits: usize, chunks: usize, count: u32): void {
  for (const end = chunks + (usize(count) << 2); chunks < end; chunks += 16) {
    setBit(bits, load<u32>(chunks));
    setBit(bits, load<u32>(chunks, 4));
    setBit(bits, load<u32>(chunks, 8));
    setBit(bits, load<u32>(chunks, 12));
  }
}

function setBit(bits: usize, chunk: u32): void {
  const at = bits + (chunk >> 3);
  store<u8>(at, load<u8>(at) | u8(u32(1) << (chunk & 7)));
}

/** The lowest 0 to 64 bits; then all bits from each bit of a word on, then all up to each: loads are cheaper than such shifts. */
const LOWEST = memory.data(520, 16);
const MASKS = memory.data(1024, 16);

export function fillMasks(): void {
  for (let bit: u64 = 0; bit < 64; bit++) {
    store<u64>(LOWEST + (usize(bit) << 3), (u64(1) << bit) - 1);
    store<u64>(MASKS + (usize(bit) << 3), ~u64(0) << bit);
    store<u64>(MASKS + (usize(bit) << 3), ~u64(0) >> (63 - bit), 512);
  }
  store<u64>(LOWEST, ~u64(0), 512);
}

/** Sets `count` ranges, each a u32 first chunk and a u32 length of at least 1; a multiple of four. */
export function setRanges(bits: usize, ranges: usize, count: u32): void {
  for (const end = ranges + (usize(count) << 3); ranges < end; ranges += 32) {
    setRange(bits, load<u32>(ranges), load<u32>(ranges, 4));
    setRange(bits, load<u32>(ranges, 8), load<u32>(ranges, 12));
    setRange(bits, load<u32>(ranges, 16), load<u32>(ranges, 20));
    setRange(bits, load<u32>(ranges, 24), load<u32>(ranges, 28));
  }
}

/** Most short ranges lie in the 8 bytes from their first one on, wherever that is; the bitmap has room for 7 more bytes. */
// @ts-ignore: decorator
@inline
function setRange(bits: usize, first: u32, length: u32): void {
  const skip = first & 7;
  if (skip + length > 64) {
    setWords(bits, first, first + length - 1);
    return;
  }
  const at = bits + (first >> 3);
  store<u64>(at, load<u64>(at) | (load<u64>(LOWEST + (usize(length) << 3)) << skip));
}

// @ts-ignore: decorator
@inline
function setWords(bits: usize, first: u32, last: u32): void {
  const from = load<u64>(MASKS + (usize(first & 63) << 3));
  const to = load<u64>(MASKS + (usize(last & 63) << 3), 512);
  const at = bits + ((first >> 6) << 3);
  const until = bits + ((last >> 6) << 3);
  if (at == until) {
    store<u64>(at, load<u64>(at) | (from & to));
    return;
  }
  store<u64>(at, load<u64>(at) | from);
  store<u64>(until, load<u64>(until) | to);
  for (let middle = at + 8; middle < until; middle += 8) store<u64>(middle, ~u64(0));
}

/** target |= source, `bytes` of them, a multiple of 64. */
export function orBits(target: usize, source: usize, bytes: usize): void {
  for (const end = target + bytes; target < end; target += 64, source += 64) {
    v128.store(target, v128.or(v128.load(target), v128.load(source)));
    v128.store(target, v128.or(v128.load(target, 16), v128.load(source, 16)), 16);
    v128.store(target, v128.or(v128.load(target, 32), v128.load(source, 32)), 32);
    v128.store(target, v128.or(v128.load(target, 48), v128.load(source, 48)), 48);
  }
}

/** Marks the pages of a u32 list dirty, as newly set bits do. */
export function markDirty(pages: usize, count: u32): void {
  for (const end = pages + (usize(count) << 2); pages < end; pages += 4) {
    const page = load<u32>(pages);
    store<u8>(dirty + page, 1);
    store<u8>(listable + (page >> 6), 1);
  }
}
