/**
 * The generated workload: which sectors a node writes. `src/bitmap/workload.ts` is the plain twin and says what is meant; a
 * property test holds both to the same events.
 */
import { ringSector, ringSectors, scratch } from "./layout";

const ZIPF: u32 = 1;
const SEQUENTIAL: u32 = 2;

const ZIPF_BUCKETS: usize = 4096;
const COIN_BITS: u32 = 20;

const TWO_POW_MINUS_32: f64 = 1.0 / 4294967296.0;
/** Of the double 1. */
const ONE_BITS: u64 = 0x3ff0000000000000;

let kind: u32 = 0;
let writeSectors: u32 = 0;
let positions: f64 = 0;
let perStripe: f64 = 0;
let firstSector: f64 = 0;
let stripeStep: f64 = 0;
let next: f64 = 0;
let salt: u32 = 0;
/** Two vectors of four xoshiro128++ generators each, one a lane: 8 vectors. */
let state: usize = 0;
/** u32 coin thresholds, u32 aliases, f64 first ranks, f64 sizes of the zipf buckets. */
let zipf: usize = 0;
/** Positions taken by the plug: 16-byte entries of f64 position and u32 stamp. */
let taken: usize = 0;
let takenMask: u32 = 0;
let stamp: u32 = 0;

export function configureWorkload(
  kind_: u32,
  writeSectors_: u32,
  positions_: f64,
  perStripe_: f64,
  firstSector_: f64,
  stripeStep_: f64,
  salt_: u32,
  state_: usize,
  zipf_: usize,
  taken_: usize,
  takenMask_: u32,
): void {
  kind = kind_;
  writeSectors = writeSectors_;
  positions = positions_;
  perStripe = perStripe_;
  firstSector = firstSector_;
  stripeStep = stripeStep_;
  salt = salt_;
  state = state_;
  zipf = zipf_;
  taken = taken_;
  takenMask = takenMask_;
  next = 0;
}

/** Fills ring events [first, first + count); no two of one plug, that is of each `plug` events from `first`, are the same. */
export function generate(first: u32, count: u32, plug: u32): void {
  const sectors = ringSectors + (usize(first) << 2);
  const at = ringSector + (usize(first) << 3);
  if (kind == SEQUENTIAL) {
    drawSequential(at, sectors, count);
  } else if (kind == ZIPF) {
    drawZipf(at, sectors, count);
  } else if (plug <= 1 && isGapless()) {
    // Where a position alone says the sector, the place is made at once.
    drawUniform(at, sectors, count, f64(writeSectors));
    return;
  } else {
    drawUniform(at, sectors, count, 1);
  }
  if (plug > 1 && kind != SEQUENTIAL) separate(at, count, plug);
  placeAll(at, count);
}

function drawSequential(at: usize, sectors: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(sectors + (usize(i) << 2), writeSectors);
    store<f64>(at + (usize(i) << 3), next);
    next += 1;
    if (next >= positions) next = 0;
  }
}

function rotl(x: v128, k: i32): v128 {
  return v128.or(i32x4.shl(x, k), i32x4.shr_u(x, 32 - k));
}

/** Numbers in [0, 1) of the upper 52 bits of two 64-bit lanes: put under the exponent of 1 they are in [1, 2). */
function units(random: v128, one: v128): v128 {
  return f64x2.sub(v128.or(i64x2.shr_u(random, 12), one), one);
}

/** Positions p as p × scale. */
function drawUniform(at: usize, sectors: usize, count: u32, scale: f64): void {
  draw(at, sectors, count, scale, false);
}

function drawZipf(at: usize, sectors: usize, count: u32): void {
  draw(at, sectors, count, 1, true);
}

/**
 * Fills events. Two vectors of four generators take turns, since each waits for itself; a vector's step gives two events, so that
 * a round gives four, and a count that is no multiple of four drops the rest of its last round. Inlined, so that the uniform loop
 * is one without calls, which V8 gives its registers.
 */
// @ts-ignore: decorator
@inline
function draw(at: usize, sectors: usize, count: u32, scale: f64, isZipf: bool): void {
  let a0 = v128.load(state);
  let a1 = v128.load(state, 16);
  let a2 = v128.load(state, 32);
  let a3 = v128.load(state, 48);
  let b0 = v128.load(state, 64);
  let b1 = v128.load(state, 80);
  let b2 = v128.load(state, 96);
  let b3 = v128.load(state, 112);
  const n = f64x2.splat(positions);
  const scales = f64x2.splat(scale);
  const four = i32x4.splat(writeSectors);
  // From memory, so that the compiler keeps it in a register instead of making it anew.
  store<f64>(scratch, 1);
  const one = v128.load_splat<u64>(scratch);
  for (let left = count; i32(left) > 0; left -= 4) {
    const a = i32x4.add(rotl(i32x4.add(a0, a3), 7), a0);
    const b = i32x4.add(rotl(i32x4.add(b0, b3), 7), b0);
    const ta = i32x4.shl(a1, 9);
    const tb = i32x4.shl(b1, 9);
    a2 = v128.xor(a2, a0);
    b2 = v128.xor(b2, b0);
    a3 = v128.xor(a3, a1);
    b3 = v128.xor(b3, b1);
    a1 = v128.xor(a1, a2);
    b1 = v128.xor(b1, b2);
    a0 = v128.xor(a0, a3);
    b0 = v128.xor(b0, b3);
    a2 = v128.xor(a2, ta);
    b2 = v128.xor(b2, tb);
    a3 = rotl(a3, 11);
    b3 = rotl(b3, 11);
    if (isZipf) {
      drawZipfRound(at, a, b, left);
      fillSectors(sectors, four, left);
    } else {
      const first = f64x2.mul(f64x2.floor(f64x2.mul(units(a, one), n)), scales);
      const second = f64x2.mul(f64x2.floor(f64x2.mul(units(b, one), n)), scales);
      if (left >= 4) {
        v128.store(at, first);
        v128.store(at, second, 16);
        v128.store(sectors, four);
      } else {
        store<f64>(at, f64x2.extract_lane(first, 0));
        if (left > 1) store<f64>(at, f64x2.extract_lane(first, 1), 8);
        if (left > 2) store<f64>(at, f64x2.extract_lane(second, 0), 16);
        fillSectors(sectors, four, left);
      }
    }
    at += 32;
    sectors += 16;
  }
  v128.store(state, a0);
  v128.store(state, a1, 16);
  v128.store(state, a2, 32);
  v128.store(state, a3, 48);
  v128.store(state, b0, 64);
  v128.store(state, b1, 80);
  v128.store(state, b2, 96);
  v128.store(state, b3, 112);
}

/** Lengths of up to four events. */
// @ts-ignore: decorator
@inline
function fillSectors(at: usize, four: v128, left: u32): void {
  if (left >= 4) {
    v128.store(at, four);
    return;
  }
  v128.store_lane<u32>(at, four, 0);
  if (left > 1) v128.store_lane<u32>(at, four, 1, 4);
  if (left > 2) v128.store_lane<u32>(at, four, 2, 8);
}

function drawZipfRound(out: usize, a: v128, b: v128, left: u32): void {
  store<f64>(out, zipfPosition(i32x4.extract_lane(a, 1), i32x4.extract_lane(a, 0)));
  if (left > 1) store<f64>(out, zipfPosition(i32x4.extract_lane(a, 3), i32x4.extract_lane(a, 2)), 8);
  if (left > 2) store<f64>(out, zipfPosition(i32x4.extract_lane(b, 1), i32x4.extract_lane(b, 0)), 16);
  if (left > 3) store<f64>(out, zipfPosition(i32x4.extract_lane(b, 3), i32x4.extract_lane(b, 2)), 24);
}

/** A bucket by the alias method, a rank in it, and where the rank lies. */
function zipfPosition(choice: u32, inside: u32): f64 {
  let bucket: usize = choice >> COIN_BITS;
  if ((choice & ((1 << COIN_BITS) - 1)) >= load<u32>(zipf + (bucket << 2))) {
    bucket = load<u32>(zipf + ZIPF_BUCKETS * 4 + (bucket << 2));
  }
  const first = load<f64>(zipf + ZIPF_BUCKETS * 8 + (bucket << 3));
  const size = load<f64>(zipf + ZIPF_BUCKETS * 16 + (bucket << 3));
  const rank = u64(first + floor(f64(inside) * TWO_POW_MINUS_32 * size));
  const high = mix(u32(rank) ^ mix(u32(rank >> 32) ^ salt));
  const low = mix(high + 0x9e3779b9);
  const unit = reinterpret<f64>((((u64(high) << 32) | low) >> 12) | ONE_BITS) - 1;
  return floor(unit * positions);
}

/** Finalizer of MurmurHash3. */
function mix(x: u32): u32 {
  x = (x ^ (x >> 16)) * 0x85ebca6b;
  x = (x ^ (x >> 13)) * 0xc2b2ae35;
  return x ^ (x >> 16);
}

/** A position that an earlier write of the plug took gives way to the next free one. */
function separate(at: usize, count: u32, plug: u32): void {
  for (let group: u32 = 0; group < count; group += plug) {
    const end = min(group + plug, count);
    stamp++;
    for (let i = group; i < end; i++) {
      let position = load<f64>(at + (usize(i) << 3));
      while (!take(position)) {
        position += 1;
        if (position >= positions) position = 0;
      }
      store<f64>(at + (usize(i) << 3), position);
    }
  }
}

function take(position: f64): bool {
  let slot = mix(u32(u64(position))) & takenMask;
  let entry = taken + (usize(slot) << 4);
  while (load<u32>(entry, 8) == stamp) {
    if (load<f64>(entry) == position) return false;
    slot = (slot + 1) & takenMask;
    entry = taken + (usize(slot) << 4);
  }
  store<f64>(entry, position);
  store<u32>(entry, stamp, 8);
  return true;
}

/** Stripes have no gap between them, as one node's often have none: no need to know which stripe a position is in. */
function isGapless(): bool {
  return stripeStep == perStripe * f64(writeSectors);
}

/** Positions become sectors. */
function placeAll(at: usize, count: u32): void {
  const gapless = isGapless();
  const per = f64x2.splat(perStripe);
  const sectors = f64x2.splat(f64(writeSectors));
  const base = f64x2.splat(firstSector);
  const gap = f64x2.splat(stripeStep - perStripe * f64(writeSectors));
  const end = at + (usize(count & ~1) << 3);
  if (gapless) {
    for (; at < end; at += 16) v128.store(at, f64x2.add(base, f64x2.mul(v128.load(at), sectors)));
  } else {
    for (; at < end; at += 16) {
      const position = v128.load(at);
      const stripe = f64x2.floor(f64x2.div(position, per));
      v128.store(at, f64x2.add(f64x2.add(base, f64x2.mul(stripe, gap)), f64x2.mul(position, sectors)));
    }
  }
  if (count & 1) {
    const position = load<f64>(at);
    const gaps = gapless ? 0.0 : floor(position / perStripe) * (stripeStep - perStripe * f64(writeSectors));
    store<f64>(at, firstSector + gaps + position * f64(writeSectors));
  }
}

/** Fills memory with what no device can compress. */
export function fillRandom(at: usize, bytes: usize, seed: u32): void {
  for (let i: usize = 0; i < bytes; i += 4) store<u32>(at + i, mix(mix(u32(i) ^ seed) + 0x9e3779b9));
}
