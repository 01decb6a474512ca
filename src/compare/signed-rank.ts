/**
 * Wilcoxon's signed-rank test: do paired differences lie around zero? Its p-value is exact: where within every pair a coin decided who
 * came first, and nothing else tells the two apart, each difference had the other sign as likely as its own, whatever drifted from pair
 * to pair and whatever going first is worth. All 2ⁿ choices of signs are counted (Wilcoxon 1945; with ties the permutation distribution
 * of midranks, Lehmann, Nonparametrics, §3.1; differences of zero are left out, as Wilcoxon did).
 *
 * Ranks instead of the differences themselves (Fisher's sign-flip test of the mean): one disturbed pair of a noisy machine would
 * decide over a mean.
 */
import { normalUpperTail } from "./normal-distribution.js";

export interface SignedRankTest {
  /** Sum of the ranks, by size, of the differences above zero. */
  readonly rankSum: number;
  /** P that it is so small or smaller, by chance alone. */
  readonly lower: number;
  /** P that it is so large or larger. */
  readonly higher: number;
  /** Twice the smaller tail, at most 1. */
  readonly p: number;
  readonly method: "exact" | "exactTies" | "normal";
}

/** Counting takes about n³ additions; beyond, the normal approximation is as good as exact. */
const MOST_COUNTED = 300;

/** @param differences finite */
export function signedRankTest(differences: readonly number[]): SignedRankTest {
  const nonzero = differences.filter((difference) => difference !== 0);
  const { doubled, tied } = doubledRanks(nonzero.map(Math.abs));
  let positive = 0;
  nonzero.forEach((difference, index) => {
    if (difference > 0) positive += doubled[index] ?? 0;
  });
  const { lower, higher } =
    nonzero.length <= MOST_COUNTED ? countedTails(doubled, positive) : normalTails(doubled, positive);
  return {
    rankSum: positive / 2,
    lower,
    higher,
    p: Math.min(1, 2 * Math.min(lower, higher)),
    method: nonzero.length > MOST_COUNTED ? "normal" : tied ? "exactTies" : "exact",
  };
}

/** Twice the rank of each, ties sharing the mean of their ranks. */
function doubledRanks(sizes: readonly number[]): { readonly doubled: number[]; readonly tied: boolean } {
  const order = sizes.map((_, index) => index).sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0));
  const doubled = new Array<number>(sizes.length).fill(0);
  let tied = false;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && sizes[order[to] ?? 0] === sizes[order[from] ?? 0]) to++;
    for (const index of order.slice(from, to)) doubled[index] = from + to + 1;
    tied ||= to - from > 1;
    from = to;
  }
  return { doubled, tied };
}

interface Tails {
  readonly lower: number;
  readonly higher: number;
}

function countedTails(ranks: readonly number[], observed: number): Tails {
  const probability = signSums(ranks);
  const sum = (from: number, to: number) => probability.subarray(from, to).reduce((all, one) => all + one, 0);
  return {
    lower: Math.min(1, sum(0, observed + 1)),
    higher: Math.min(1, sum(observed, probability.length)),
  };
}

/** [sum] → probability that the ranks with a positive sign have that sum, each being positive or not by a coin. */
function signSums(ranks: readonly number[]): Float64Array {
  const probability = new Float64Array(ranks.reduce((all, one) => all + one, 0) + 1);
  probability[0] = 1;
  let largest = 0;
  for (const rank of ranks) {
    largest += rank;
    for (let sum = largest; sum >= 0; sum--) {
      const without = probability[sum] ?? 0;
      probability[sum] = (without + (sum >= rank ? (probability[sum - rank] ?? 0) : 0)) / 2;
    }
  }
  return probability;
}

function normalTails(ranks: readonly number[], observed: number): Tails {
  const mean = ranks.reduce((all, rank) => all + rank, 0) / 2;
  const deviation = Math.sqrt(ranks.reduce((all, rank) => all + rank * rank, 0)) / 2;
  // Doubled ranks: half a rank is 1.
  const tail = (excess: number) => normalUpperTail((excess - 1) / deviation);
  return { lower: tail(mean - observed), higher: tail(observed - mean) };
}

export interface ShiftInterval {
  /** Median of all means of two differences, each with itself as well (Hodges and Lehmann 1963). */
  readonly shift: number;
  readonly low: number;
  readonly high: number;
}

/**
 * What the differences lie around, with the interval of all shifts that the test does not refute: the k-th smallest and k-th largest
 * of those means (Tukey 1949; Conover, Practical Nonparametric Statistics, §5.7). Its coverage is exact, where a bootstrap's is not
 * for so few pairs, and it uses sizes, where the interval of a median uses ranks alone.
 * @param differences at least one, finite
 * @returns infinite bounds where so few cannot reach this confidence
 */
export function shiftInterval(differences: readonly number[], confidence = 0.95): ShiftInterval {
  const n = differences.length;
  const means = new Float64Array((n * (n + 1)) / 2);
  let count = 0;
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) means[count++] = ((differences[i] ?? 0) + (differences[j] ?? 0)) / 2;
  means.sort();
  const at = (index: number) => means[index] ?? Number.NaN;
  const shift = (at((count - 1) >> 1) + at(count >> 1)) / 2;
  const left = leftOut(n, (1 - confidence) / 2);
  if (left === 0) return { shift, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  return { shift, low: at(left - 1), high: at(count - left) };
}

/** The largest k with P(rank sum < k) at most `tail`. */
function leftOut(n: number, tail: number): number {
  if (n > MOST_COUNTED) {
    const mean = (n * (n + 1)) / 4;
    const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24);
    let k = Math.floor(mean);
    while (k > 0 && normalUpperTail((mean - k + 0.5) / deviation) > tail) k--;
    return k;
  }
  const probability = signSums(Array.from({ length: n }, (_, index) => index + 1));
  let below = 0;
  let k = 0;
  while (k < probability.length && below + (probability[k] ?? 0) <= tail * (1 + 1e-12)) {
    below += probability[k] ?? 0;
    k++;
  }
  return k;
}
