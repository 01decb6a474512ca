/** Difference of two medians with its bootstrap interval, by the percentile method as for ratios; here figures may lie below zero. */
import { median } from "../measure/quantile.js";
import { bootstrapMedian } from "./median-bootstrap.js";

export interface DifferenceInterval {
  /** Median of `head` minus that of `base`, in their unit. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

/** Medians less likely than this do not move a quantile. */
const NEGLIGIBLE = 1e-9;

/** @param base at least one value; `head` likewise */
export function differenceInterval(
  base: readonly number[],
  head: readonly number[],
  confidence = 0.95,
): DifferenceInterval {
  const [from, to] = [atomsOf(base), atomsOf(head)];
  const pairs = from.flatMap((b) =>
    to.map((h) => ({ value: h.value - b.value, weight: h.weight * b.weight })),
  );
  pairs.sort((a, b) => a.value - b.value);
  const all = pairs.reduce((sum, { weight }) => sum + weight, 0);
  const tail = ((1 - confidence) / 2) * all;
  const at = (wanted: number) => {
    let sum = 0;
    return pairs.find(({ weight }) => {
      sum += weight;
      return sum >= wanted;
    })?.value;
  };
  const difference = median(head) - median(base);
  return { difference, low: at(tail) ?? difference, high: at(all - tail) ?? difference, confidence };
}

function atomsOf(sample: readonly number[]): { readonly value: number; readonly weight: number }[] {
  const { values, weights } = bootstrapMedian(sample);
  return [...values]
    .map((value, index) => ({ value, weight: weights[index] ?? 0 }))
    .filter(({ weight }) => weight > NEGLIGIBLE);
}
