/**
 * Ratio of two medians with its bootstrap interval, by the percentile method. BCa would be narrower where its acceleration is known;
 * that is estimated by the jackknife, which is inconsistent for a median (Efron 1979, remark at §3: it takes two values only), so that
 * it would correct by noise. The percentile interval of a median is nearly the exact one of order statistics.
 */
import { median } from "../measure/quantile.js";
import { bootstrapMedian, type Distribution } from "./median-bootstrap.js";

export interface RatioInterval {
  /** Median of the head ÷ median of the base; 1 where both are 0. */
  readonly ratio: number;
  readonly low: number;
  /** Infinity where the base's median may be 0. */
  readonly high: number;
  /** 0 to 1. */
  readonly confidence: number;
}

/** @param base at least one value, none below 0; `head` likewise */
export function ratioInterval(
  base: readonly number[],
  head: readonly number[],
  confidence = 0.95,
): RatioInterval {
  const baseMedians = bootstrapMedian(base);
  const headMedians = headSums(bootstrapMedian(head));
  const tail = (1 - confidence) / 2;
  return {
    ratio: ratioOf(median(base), median(head)),
    low: ratioQuantile(baseMedians, headMedians, tail),
    high: ratioQuantile(baseMedians, headMedians, 1 - tail),
    confidence,
  };
}

export function ratioOf(base: number, head: number): number {
  return base === head ? 1 : head / base;
}

/** A distribution whose probabilities are summed up. */
interface Cumulative {
  readonly values: Float64Array;
  /** sums[i]: probability of the i smallest values. */
  readonly sums: Float64Array;
}

function headSums({ values, weights }: Distribution): Cumulative {
  const sums = new Float64Array(values.length + 1);
  weights.forEach((weight, index) => {
    sums[index + 1] = (sums[index] ?? 0) + weight;
  });
  return { values, sums };
}

function probabilityUpTo({ values, sums }: Cumulative, bound: number): number {
  return sums[indexAbove(values, bound)] ?? 0;
}

/** How many of the ascending values are at most `bound`. */
function indexAbove(values: Float64Array, bound: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((values[middle] ?? 0) <= bound) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The two distributions are independent: P(ratio ≤ r) sums P(head's median ≤ r × b) over the base's medians b. */
function probabilityOfRatio(base: Distribution, head: Cumulative, ratio: number): number {
  let sum = 0;
  base.values.forEach((value, index) => {
    const reached =
      value > 0 ? probabilityUpTo(head, ratio * value) : ratio >= 1 ? probabilityUpTo(head, 0) : 0;
    sum += (base.weights[index] ?? 0) * reached;
  });
  return sum;
}

/** The smallest ratio that is reached with at least this probability: bisection of its logarithm. */
function ratioQuantile(base: Distribution, head: Cumulative, fraction: number): number {
  // What the sums lack of 1 by rounding must not count.
  const wanted = fraction - 1e-12;
  const reached = (ratio: number) => probabilityOfRatio(base, head, ratio) >= wanted;
  if (reached(0)) return 0;
  const smallestBase = base.values.find((value) => value > 0);
  const largestHead = head.values.at(-1) ?? 0;
  if (smallestBase === undefined) return reached(1) ? 1 : Number.POSITIVE_INFINITY;
  const most = Math.max(1, (largestHead / smallestBase) * (1 + Number.EPSILON));
  if (!reached(most)) return Number.POSITIVE_INFINITY;
  const least = (head.values.find((value) => value > 0) ?? 0) / (base.values.at(-1) ?? 1);
  let high = Math.log(most);
  let low = Math.min(high, Math.log(Math.max(Number.MIN_VALUE, Math.min(1, least)))) - 1e-9;
  while (high - low > 1e-13) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (reached(Math.exp(middle))) high = middle;
    else low = middle;
  }
  return ratioAt(Math.exp(high), base, head);
}

/** The ratio of two medians that the bisection closed in on. */
function ratioAt(near: number, base: Distribution, head: Cumulative): number {
  const bound = near * (1 + 1e-12);
  let largest = 0;
  for (const value of base.values) {
    const place = indexAbove(head.values, bound * value);
    const ratio = place === 0 ? 0 : ratioOf(value, head.values[place - 1] ?? 0);
    if (ratio <= bound) largest = Math.max(largest, ratio);
  }
  return largest;
}
