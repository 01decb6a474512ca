/** The middle of a few trials' figures and how far they lie apart. */
import { quantile } from "../measure/quantile.js";

export interface Spread {
  readonly median: number;
  /** First and third quartile. */
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** @returns undefined for no figures */
export function spreadOf(figures: readonly number[]): Spread | undefined {
  if (figures.length === 0) return undefined;
  const sorted = [...figures].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lower: quantile(sorted, 0.25),
    upper: quantile(sorted, 0.75),
    count: sorted.length,
  };
}
