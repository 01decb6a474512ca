/**
 * The generated workload: which sectors a node writes. `src/bitmap/workload.ts` is the plain twin and says what is meant; a
 * property test holds both to the same events.
 */
import { ringSector, ringSectors } from "./layout";

const UNIFORM: u32 = 0;
const ZIPF: u32 = 1;
const SEQUENTIAL: u32 = 2;

const ZIPF_BUCKETS: usize = 4096;
const COIN_BITS: u32 = 20;

const TWO_POW_MINUS_32: f64 = 1.0 / 4294967296.0;
const TWO_POW_MINUS_53: f64 = 1.0 / 9007199254740992.0;

let kind: u32 = 0;
let writeSectors: u32 = 0;
let positions: f64 = 0;
let perStripe: f64 = 0;
let firstSector: f64 = 0;
let stripeStep: f64 = 0;
let next: f64 = 0;
let salt: u32 = 0;
/** Four xoshiro128++ generators, one a lane: 4 vectors. */
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
  for (let i: u32 = 0; i < count; i++) store<u32>(sectors + (usize(i) << 2), writeSectors);
  const at = ringSector + (usize(first) << 3);
  if (kind == SEQUENTIAL) {
    drawSequential(at, count);
  } else {
    if (kind == ZIPF) drawZipf(at, count);
    else drawUniform(at, count);
    if (plug > 1) separate(at, count, plug);
  }
  placeAll(at, count);
}

function drawSequential(at: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<f64>(at + (usize(i) << 3), next);
    next += 1;
    if (next >= positions) next = 0;
  }
}

function rotl(x: v128, k: i32): v128 {
  return v128.or(i32x4.shl(x, k), i32x4.shr_u(x, 32 - k));
}

/** Two events a step: lanes 0 and 1 make the first's 53 random bits, lanes 2 and 3 the second's. */
function drawUniform(at: usize, count: u32): void {
  let s0 = v128.load(state);
  let s1 = v128.load(state, 16);
  let s2 = v128.load(state, 32);
  let s3 = v128.load(state, 48);
  const n = f64x2.splat(positions);
  const highUnit = f64x2.splat(TWO_POW_MINUS_32);
  const lowUnit = f64x2.splat(TWO_POW_MINUS_53);
  for (let i: u32 = 0; i < count; i += 2) {
    const r = i32x4.add(rotl(i32x4.add(s0, s3), 7), s0);
    const t = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, t);
    s3 = rotl(s3, 11);
    const high = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(r, r, 0, 2, 0, 2));
    const low = f64x2.convert_low_i32x4_u(i32x4.shr_u(v128.shuffle<i32>(r, r, 1, 3, 1, 3), 11));
    const unit = f64x2.add(f64x2.mul(high, highUnit), f64x2.mul(low, lowUnit));
    const place = f64x2.floor(f64x2.mul(unit, n));
    // An odd count drops the second event; its place in the ring is not ours.
    if (i + 1 < count) v128.store(at + (usize(i) << 3), place);
    else store<f64>(at + (usize(i) << 3), f64x2.extract_lane(place, 0));
  }
  saveState(s0, s1, s2, s3);
}

function drawZipf(at: usize, count: u32): void {
  let s0 = v128.load(state);
  let s1 = v128.load(state, 16);
  let s2 = v128.load(state, 32);
  let s3 = v128.load(state, 48);
  for (let i: u32 = 0; i < count; i += 2) {
    const r = i32x4.add(rotl(i32x4.add(s0, s3), 7), s0);
    const t = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, t);
    s3 = rotl(s3, 11);
    store<f64>(at + (usize(i) << 3), zipfPosition(i32x4.extract_lane(r, 0), i32x4.extract_lane(r, 1)));
    if (i + 1 == count) break;
    store<f64>(at + (usize(i) << 3), zipfPosition(i32x4.extract_lane(r, 2), i32x4.extract_lane(r, 3)), 8);
  }
  saveState(s0, s1, s2, s3);
}

function saveState(s0: v128, s1: v128, s2: v128, s3: v128): void {
  v128.store(state, s0);
  v128.store(state, s1, 16);
  v128.store(state, s2, 32);
  v128.store(state, s3, 48);
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
  return floor((f64(high) * TWO_POW_MINUS_32 + f64(low >> 11) * TWO_POW_MINUS_53) * positions);
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

/** Positions become sectors. */
function placeAll(at: usize, count: u32): void {
  const per = f64x2.splat(perStripe);
  const sectors = f64x2.splat(f64(writeSectors));
  const base = f64x2.splat(firstSector);
  const step = f64x2.splat(stripeStep);
  let i: u32 = 0;
  for (; i + 2 <= count; i += 2) {
    const position = v128.load(at + (usize(i) << 3));
    const stripe = f64x2.floor(f64x2.div(position, per));
    const inside = f64x2.sub(position, f64x2.mul(stripe, per));
    const place = f64x2.add(f64x2.add(base, f64x2.mul(stripe, step)), f64x2.mul(inside, sectors));
    v128.store(at + (usize(i) << 3), place);
  }
  if (i < count) {
    const position = load<f64>(at + (usize(i) << 3));
    const stripe = floor(position / perStripe);
    store<f64>(
      at + (usize(i) << 3),
      firstSector + stripe * stripeStep + (position - stripe * perStripe) * f64(writeSectors),
    );
  }
}

/** Fills memory with what no device can compress. */
export function fillRandom(at: usize, bytes: usize, seed: u32): void {
  for (let i: usize = 0; i < bytes; i += 4) store<u32>(at + i, mix(mix(u32(i) ^ seed) + 0x9e3779b9));
}
