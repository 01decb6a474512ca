/**
 * Where a series of figures changes: E-divisive (Matteson and James 2014, "A nonparametric approach for multiple change point analysis of
 * multivariate data", JASA 109), in one dimension and with the plain distance (α = 1), as MongoDB runs it over its performance history (Daly
 * et al. 2020). The split with the largest energy distance between its sides is tested against those of permuted series; where it stands
 * out, both sides are looked at in the same way. It assumes no shape, and sees changes of spread as well as of level.
 */
import { seededRandom } from "./seeded-random.js";

export interface ChangePoint {
  /** Index of the first value after the change. */
  readonly at: number;
  /** The share of permuted series with a split as large. */
  readonly p: number;
}

export interface ChangePointOptions {
  /** Of series without a change, at most this share shows any. */
  readonly alpha: number;
  readonly seed: number;
}

/** Values that each side of a change needs: of fewer nobody can tell a change from an outlier. */
export const LEAST_SEGMENT = 3;
const LEAST_PERMUTATIONS = 999;
/** Permutations for each that may be as large: fewer would round the p-value to nothing. */
const PERMUTATIONS_PER_ALPHA = 4;
/** Sums in another order differ in their last digits. */
const ROUNDING = 1 - 1e-9;

/** @returns in the order of the series */
export function changePoints(values: readonly number[], { alpha, seed }: ChangePointOptions): ChangePoint[] {
  const permutations = Math.max(LEAST_PERMUTATIONS, Math.ceil(PERMUTATIONS_PER_ALPHA / alpha) - 1);
  const random = seededRandom(seed);
  const found: ChangePoint[] = [];
  let segments = [segmentOf(values, 0, values.length)];
  for (;;) {
    const split = largestSplit(segments);
    if (split === null) break;
    const most = Math.floor(alpha * (permutations + 1)) - 1;
    let asLarge = 0;
    for (let drawn = 0; drawn < permutations && asLarge <= most; drawn++) {
      const permuted = largestSplit(segments.map((segment) => shuffled(segment, random)));
      if (permuted !== null && permuted.distance >= split.distance * ROUNDING) asLarge++;
    }
    if (asLarge > most) break;
    found.push({ at: split.at, p: (asLarge + 1) / (permutations + 1) });
    segments = segments.flatMap((segment) => {
      const end = segment.from + segment.ranks.length;
      if (split.at <= segment.from || split.at >= end) return [segment];
      return [segmentOf(values, segment.from, split.at), segmentOf(values, split.at, end)];
    });
  }
  return found.sort((a, b) => a.at - b.at);
}

interface Segment {
  /** Index of its first value in the series. */
  readonly from: number;
  readonly sorted: Float64Array;
  /** Of each value in turn its place in `sorted`. */
  readonly ranks: Uint32Array;
}

interface Split {
  readonly at: number;
  readonly distance: number;
}

function segmentOf(values: readonly number[], from: number, to: number): Segment {
  const own = values.slice(from, to);
  const order = own.map((_, index) => index).sort((a, b) => (own[a] ?? 0) - (own[b] ?? 0));
  const ranks = new Uint32Array(own.length);
  order.forEach((index, rank) => {
    ranks[index] = rank;
  });
  return { from, sorted: Float64Array.from(own).sort(), ranks };
}

function shuffled({ from, sorted, ranks }: Segment, random: (limit: number) => number): Segment {
  const drawn = ranks.slice();
  for (let place = drawn.length - 1; place > 0; place--) {
    const other = random(place + 1);
    const rank = drawn[place] ?? 0;
    drawn[place] = drawn[other] ?? 0;
    drawn[other] = rank;
  }
  return { from, sorted, ranks: drawn };
}

function largestSplit(segments: readonly Segment[]): Split | null {
  let largest: Split | null = null;
  for (const segment of segments) {
    const split = largestSplitOf(segment);
    if (split !== null && split.distance > (largest?.distance ?? 0)) largest = split;
  }
  return largest;
}

/**
 * Over all splits into m and r values the scaled energy distance m r ÷ (m + r) × (2 × mean distance between the sides − mean distances
 * within each). Those between the sides are all less those within.
 */
function largestSplitOf({ from, sorted, ranks }: Segment): Split | null {
  const n = ranks.length;
  if (n < 2 * LEAST_SEGMENT) return null;
  const before = distancesWithin(sorted, ranks);
  const behind = distancesWithin(sorted, ranks.slice().reverse());
  const all = before[n] ?? 0;
  let largest: Split | null = null;
  for (let m = LEAST_SEGMENT; m <= n - LEAST_SEGMENT; m++) {
    const r = n - m;
    const [within, withinOther] = [before[m] ?? 0, behind[r] ?? 0];
    const between = all - within - withinOther;
    const energy = (2 * between) / (m * r) - within / ((m * (m - 1)) / 2) - withinOther / ((r * (r - 1)) / 2);
    const distance = ((m * r) / n) * energy;
    if (distance > (largest?.distance ?? 0)) largest = { at: from + m, distance };
  }
  return largest;
}

/**
 * Sums of |a − b| over all pairs among the first k values, for every k: a value's distances to those before it follow from how many of
 * them are smaller, and their sum, which two Fenwick trees over ranks keep.
 */
function distancesWithin(sorted: Float64Array, ranks: Uint32Array): Float64Array {
  const n = ranks.length;
  const counts = new Uint32Array(n + 1);
  const sums = new Float64Array(n + 1);
  const within = new Float64Array(n + 1);
  let total = 0;
  for (let seen = 0; seen < n; seen++) {
    const rank = ranks[seen] ?? 0;
    const value = sorted[rank] ?? 0;
    let smaller = 0;
    let smallerSum = 0;
    for (let node = rank; node > 0; node -= node & -node) {
      smaller += counts[node] ?? 0;
      smallerSum += sums[node] ?? 0;
    }
    const larger = seen - smaller;
    const distances = smaller * value - smallerSum + (total - smallerSum) - larger * value;
    within[seen + 1] = (within[seen] ?? 0) + distances;
    total += value;
    for (let node = rank + 1; node <= n; node += node & -node) {
      counts[node] = (counts[node] ?? 0) + 1;
      sums[node] = (sums[node] ?? 0) + value;
    }
  }
  return within;
}
