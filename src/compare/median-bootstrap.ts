/**
 * The bootstrap distribution of a sample's median, in full instead of by drawing (Efron 1979, §3): every resample of n out of n is
 * counted by formula, so that there is no seed and no error of simulation.
 */
import { median } from "../measure/quantile.js";

/** A discrete distribution: ascending values, each with its probability. */
export interface Distribution {
  readonly values: Float64Array;
  readonly weights: Float64Array;
}

/** Less likely medians are left out: all of them together would not show in any figure. */
const NEGLIGIBLE = 1e-18;

/** @param sample at least one value */
export function bootstrapMedian(sample: readonly number[]): Distribution {
  const sorted = [...sample].sort((a, b) => a - b);
  const weightOf = new Map<number, number>();
  const add = (value: number, weight: number) => {
    if (weight > NEGLIGIBLE) weightOf.set(value, (weightOf.get(value) ?? 0) + weight);
  };
  if (sorted.length % 2 === 1) oddMedians(sorted, add);
  else evenMedians(sorted, add);
  const values = Float64Array.from(weightOf.keys()).sort();
  return { values, weights: values.map((value) => weightOf.get(value) ?? 0) };
}

type Add = (value: number, weight: number) => void;

/** The middle one of n draws is at most the i-th smallest value where more than half of the draws are. */
function oddMedians(sorted: readonly number[], add: Add): void {
  const n = sorted.length;
  const tail = binomialUpperTail(n, (n + 1) / 2);
  let below = 0;
  sorted.forEach((value, index) => {
    const upTo = tail((index + 1) / n);
    add(value, upTo - below);
    below = upTo;
  });
}

/** The two middle ones of 2m draws are the i-th and the j-th smallest value: m draws up to the one, m from the other on. */
function evenMedians(sorted: readonly number[], add: Add): void {
  const n = sorted.length;
  const m = n / 2;
  const logSplits = logChoose(n, m);
  const weigh = (low: number, high: number) =>
    low <= 0 || high <= 0 ? 0 : Math.exp(logSplits + Math.log(low) + Math.log(high));
  const power = Float64Array.from({ length: n + 1 }, (_, count) => (count / n) ** m);
  const step = (count: number) => (power[count] ?? 0) - (power[count - 1] ?? 0);
  const tail = binomialUpperTail(n, m);
  for (let i = 1; i <= n; i++) {
    const low = sorted[i - 1] ?? 0;
    // Both middle ones are this value: fewer than m draws below it, and fewer than m above.
    const apart = weigh(power[i - 1] ?? 0, power[n - i] ?? 0);
    add(low, 1 - tail((i - 1) / n) - tail((n - i) / n) + apart);
    for (let j = i + 1; j <= n; j++) {
      const weight = weigh(step(i), step(n - j + 1));
      if (weight > NEGLIGIBLE) add(median([low, sorted[j - 1] ?? 0]), weight);
    }
  }
}

/** P(at least `least` of n trials succeed) as a function of one trial's probability. */
function binomialUpperTail(n: number, least: number): (probability: number) => number {
  const logWays = Float64Array.from({ length: n + 1 }, (_, k) => logChoose(n, k));
  return (probability) => {
    if (probability <= 0) return least <= 0 ? 1 : 0;
    if (probability >= 1) return 1;
    let sum = 0;
    for (let k = n; k >= least; k--) {
      sum += Math.exp((logWays[k] ?? 0) + k * Math.log(probability) + (n - k) * Math.log1p(-probability));
    }
    return sum;
  };
}

function logChoose(n: number, k: number): number {
  let log = 0;
  for (let factor = 1; factor <= k; factor++) log += Math.log((n - k + factor) / factor);
  return log;
}
