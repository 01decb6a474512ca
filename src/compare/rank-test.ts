/**
 * Mann-Whitney's U test: does one sample tend to lie below the other? It assumes no shape, and its p-value is exact where counting
 * every split is affordable: under the null hypothesis each way to split the pooled values into the two samples is equally likely
 * (Mann and Whitney 1947; with ties the permutation distribution of midranks, Lehmann, Nonparametrics, §1.4).
 */
import { normalUpperTail } from "./normal-distribution.js";

export interface RankTest {
  /** U of the first sample: pairs in which it has the larger value, ties count a half. */
  readonly u: number;
  /** P that the first sample's ranks are so low or lower, by chance alone. */
  readonly lower: number;
  /** P that they are so high or higher. */
  readonly higher: number;
  /** Twice the smaller tail, at most 1: each direction has a false-alarm rate of at most half of that. */
  readonly p: number;
  /** `exact` and `exactTies` count all splits; `normal` approximates, with corrections for ties and continuity. */
  readonly method: "exact" | "exactTies" | "normal";
}

/** Additions that counting may take; about 50 and 50 values without ties. */
const MOST_ADDITIONS = 5e7;

/** @returns null where a sample is empty */
export function rankTest(first: readonly number[], second: readonly number[]): RankTest | null {
  if (first.length === 0 || second.length === 0) return null;
  const { doubled, tied, tieTerm } = doubledMidranks([...first, ...second]);
  const firstSum = sumOf(doubled.subarray(0, first.length));
  const u = (firstSum - first.length * (first.length + 1)) / 2;
  const swap = first.length > second.length;
  const small = Math.min(first.length, second.length);
  const observed = swap ? sumOf(doubled.subarray(first.length)) : firstSum;
  // Without ties all ranks are whole, and halves need no place of their own.
  const ranks = tied ? doubled : doubled.map((rank) => rank / 2);
  const counted = splitTails(ranks, small, tied ? observed : observed / 2);
  if (counted === null) return approximation(u, first.length, second.length, tieTerm);
  const [lower, higher] = swap ? [counted.atLeast, counted.atMost] : [counted.atMost, counted.atLeast];
  return { u, lower, higher, p: twoSided(lower, higher), method: tied ? "exactTies" : "exact" };
}

function twoSided(lower: number, higher: number): number {
  return Math.min(1, 2 * Math.min(lower, higher));
}

/** Twice the rank of each value, ties sharing the mean of their ranks; Σ(t³ − t) over ties. */
function doubledMidranks(values: readonly number[]): {
  readonly doubled: Uint32Array;
  readonly tied: boolean;
  readonly tieTerm: number;
} {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const doubled = new Uint32Array(values.length);
  let tieTerm = 0;
  for (let from = 0; from < order.length; ) {
    const value = values[order[from] ?? 0];
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === value) to++;
    for (const index of order.slice(from, to)) doubled[index] = from + to + 1;
    tieTerm += (to - from) ** 3 - (to - from);
    from = to;
  }
  return { doubled, tied: tieTerm > 0, tieTerm };
}

/**
 * Shares of all splits whose smaller part of `size` ranks sums to at most, and at least, `observed`. By recursion over the ranks:
 * each either belongs to the part or does not.
 * @returns null where that would take too long
 */
function splitTails(
  ranks: Uint32Array,
  size: number,
  observed: number,
): { readonly atMost: number; readonly atLeast: number } | null {
  const sorted = Uint32Array.from(ranks).sort();
  const largest = sumOf(sorted.subarray(sorted.length - size));
  if (sorted.length * size * largest > MOST_ADDITIONS) return null;
  const width = largest + 1;
  // ways[count × width + sum]: of the ranks seen so far, how many choices of `count` have this sum.
  const ways = new Float64Array((size + 1) * width);
  ways[0] = 1;
  let seenSum = 0;
  sorted.forEach((rank, seen) => {
    seenSum = Math.min(largest, seenSum + rank);
    for (let count = Math.min(size, seen + 1); count > 0; count--) {
      const to = count * width;
      const from = to - width;
      for (let sum = rank; sum <= seenSum; sum++) {
        ways[to + sum] = (ways[to + sum] ?? 0) + (ways[from + sum - rank] ?? 0);
      }
    }
  });
  const counts = ways.subarray(size * width);
  const all = sumOf(counts);
  return {
    atMost: sumOf(counts.subarray(0, observed + 1)) / all,
    atLeast: sumOf(counts.subarray(observed)) / all,
  };
}

function approximation(u: number, n: number, m: number, tieTerm: number): RankTest {
  const all = n + m;
  const variance = ((n * m) / 12) * (all + 1 - tieTerm / (all * (all - 1)));
  const tail = (excess: number) =>
    variance === 0 ? 1 : normalUpperTail((excess - 0.5) / Math.sqrt(variance));
  const lower = tail((n * m) / 2 - u);
  const higher = tail(u - (n * m) / 2);
  return { u, lower, higher, p: twoSided(lower, higher), method: "normal" };
}

function sumOf(numbers: Uint32Array | Float64Array): number {
  let sum = 0;
  for (const one of numbers) sum += one;
  return sum;
}
