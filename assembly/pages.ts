/** Which pages a plug or a pass writes: attributes in, list out (spec §3.2 step 6, §3.3, §3.4 d). */
import {
  dirty,
  firstPageOffsetBytes,
  lastPageBytes,
  listLength,
  listOffset,
  listPage,
  listable,
  needWrite,
  pageCount,
  pending,
  positions,
} from "./layout";
import { noteIdle } from "./daemon";

/** Lists and clears every page that is dirty or needWrite; returns how many. */
export function unplug(): u32 {
  const groups = (pageCount + 63) >> 6;
  let listed: u32 = 0;
  for (let word: u32 = 0; word < groups; word += 8) {
    let marks = load<u64>(listable + word);
    if (!marks) continue;
    store<u64>(listable + word, 0);
    while (marks) {
      const group = word + u32(ctz(marks) >> 3);
      marks &= marks - 1;
      const first = group << 6;
      let set: u64 = 0;
      for (let i: u32 = 0; i < 64; i += 16) {
        const at: usize = first + i;
        const marked = v128.or(v128.load(dirty + at), v128.load(needWrite + at));
        if (!v128.any_true(marked)) continue;
        const clean = i8x16.eq(marked, i8x16.splat(0));
        v128.store(pending + at, v128.and(v128.load(pending + at), clean));
        v128.store(dirty + at, i8x16.splat(0));
        v128.store(needWrite + at, i8x16.splat(0));
        set |= u64(~i8x16.bitmask(clean) & 0xffff) << i;
      }
      listed = listSet(set, first, listed);
    }
  }
  return finishList(listed);
}

/** Lists and clears needWrite pages up to the first dirty one. */
export function listUntilDirty(): u32 {
  const groups = (pageCount + 63) >> 6;
  let listed: u32 = 0;
  for (let group: u32 = 0; group < groups; group++) {
    if (!load<u8>(listable + group)) continue;
    const first = group << 6;
    let isDirty: u64 = 0;
    let needs: u64 = 0;
    for (let i: u32 = 0; i < 64; i += 16) {
      const at: usize = first + i;
      isDirty |= u64(nonZeroBytes(v128.load(dirty + at))) << i;
      needs |= u64(nonZeroBytes(v128.load(needWrite + at))) << i;
    }
    if (isDirty) needs &= (isDirty & -isDirty) - 1;
    for (let left = needs; left; left &= left - 1) store<u8>(needWrite + first + usize(ctz(left)), 0);
    listed = listSet(needs, first, listed);
    if (isDirty) break;
    store<u8>(listable + group, 0);
  }
  return finishList(listed);
}

function nonZeroBytes(bytes: v128): u32 {
  return ~i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0))) & 0xffff;
}

/** Page 0 alone, whatever its attributes are, which stay. */
export function listPage0(): void {
  store<u32>(listPage, 0);
  finishList(1);
}

/** Every page is to be written by the next pass or plug. */
export function markAllPages(): void {
  memory.fill(needWrite, 1, pageCount);
  memory.fill(listable, 1, (pageCount + 63) >> 6);
  noteIdle();
}

/** Appends the pages of a 64-bit set; the list has room for 8 more than it can hold. */
function listSet(set: u64, first: u32, listed: u32): u32 {
  let at = listPage + (usize(listed) << 2);
  listed += u32(popcnt(set));
  if (popcnt(set) < 16) {
    // Eight at once, meant or not, as a loop over so few would end unforeseen.
    do {
      set = listLowest(at, set, first);
      set = listLowest(at + 4, set, first);
      set = listLowest(at + 8, set, first);
      set = listLowest(at + 12, set, first);
      set = listLowest(at + 16, set, first);
      set = listLowest(at + 20, set, first);
      set = listLowest(at + 24, set, first);
      set = listLowest(at + 28, set, first);
      at += 32;
    } while (set);
    return listed;
  }
  for (; set; set >>= 8, first += 8) {
    const byte = usize(set & 0xff);
    storePositions(at, byte, first);
    at += usize(popcnt(byte)) << 2;
  }
  return listed;
}

// @ts-ignore: decorator
@inline
function listLowest(at: usize, set: u64, first: u32): u64 {
  store<u32>(at, first + u32(ctz(set)));
  return set & (set - 1);
}

/** Stores 8 numbers, of which those of the byte's set bits are meant: `first` plus each bit's position. */
export function storePositions(at: usize, byte: usize, first: u32): void {
  const places = positions + (byte << 5);
  const base = i32x4.splat(first);
  v128.store(at, i32x4.add(base, v128.load(places)));
  v128.store(at, i32x4.add(base, v128.load(places, 16)), 16);
}

/** Lengths of the list are all of a whole page but at this place less 1; 0: at none. */
let trimmedAt: u32 = 0;

/** Before the first list. */
export function fillLengths(): void {
  const whole = i32x4.splat(4096);
  for (let i: u32 = 0; i < pageCount; i += 4) v128.store(listLength + (usize(i) << 2), whole);
  trimmedAt = 0;
}

/** Byte offset and length of every listed page. */
export function finishList(listed: u32): u32 {
  // Under the exponent of 2^61 a mantissa counts sectors, of which a page has 8; offsets are whole sectors, too, so that 2^61 less
  // an offset is a double. The list has room for 8 more.
  const exponent = i32x4.splat(0x43c00000);
  const origin = f64x2.splat(2305843009213693952.0 - firstPageOffsetBytes);
  let from = listPage;
  let at = listOffset;
  for (const end = from + (usize(listed) << 2); from < end; from += 32, at += 64) {
    const a = i32x4.shl(v128.load(from), 3);
    const b = i32x4.shl(v128.load(from, 16), 3);
    v128.store(at, f64x2.sub(v128.shuffle<i32>(a, exponent, 0, 4, 1, 5), origin));
    v128.store(at, f64x2.sub(v128.shuffle<i32>(a, exponent, 2, 6, 3, 7), origin), 16);
    v128.store(at, f64x2.sub(v128.shuffle<i32>(b, exponent, 0, 4, 1, 5), origin), 32);
    v128.store(at, f64x2.sub(v128.shuffle<i32>(b, exponent, 2, 6, 3, 7), origin), 48);
  }
  if (trimmedAt) store<u32>(listLength + (usize(trimmedAt - 1) << 2), 4096);
  trimmedAt = 0;
  if (listed && load<u32>(listPage + (usize(listed - 1) << 2)) == pageCount - 1) {
    store<u32>(listLength + (usize(listed - 1) << 2), lastPageBytes);
    trimmedAt = listed;
  }
  return listed;
}
