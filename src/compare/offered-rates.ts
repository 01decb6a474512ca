/**
 * Rates that were offered in open loop. A rate that is a part of each side's own maximum differs where the maxima do, and latencies at
 * different rates differ by that as well.
 */
import { median } from "../measure/quantile.js";
import type { FigurePair } from "./paired-figures.js";
import type { Variant } from "./variants.js";

export const OFFERED_METRIC = "offered_iops";

export interface OfferedRates {
  readonly variant: Variant;
  /** Writes a second, median of the trials. */
  readonly base: number;
  readonly head: number;
}

/** Maxima are found anew in every run and never equal; a smaller difference is not worth a sentence. */
const TOLERANCE = 0.05;

/** @param pairs of OFFERED_METRIC */
export function differingRates(pairs: readonly FigurePair[]): OfferedRates[] {
  return pairs
    .map(({ variant, base, head }) => ({ variant, base: median(base), head: median(head) }))
    .filter(({ base, head }) => Math.abs(base - head) > TOLERANCE * Math.max(base, head));
}
