/**
 * What the flush before a bitmap page costs. md's own bio carries it (REQ_PREFLUSH); from user space it is a system call more, so that
 * `preflush-fua` stands above what md would need by at most this.
 */
import type { Calibration } from "../results/calibration.js";
import type { Result } from "../results/schema.js";
import { differenceInterval } from "./difference-interval.js";
import { plannedTrials, type VariantTrials } from "./variants.js";

const METRIC = "unplug_latency_ns";

/**
 * @param withFlush runs with durability preflush-fua; @param without one with fua, otherwise the same
 * @returns null where they have no variant with page writes in common
 */
export function preflushCost(
  withFlush: readonly Pick<Result, "trials">[],
  without: Pick<Result, "trials">,
): Calibration["preflush"] {
  const ignored = new Set(["durability"]);
  const phases = (result: Pick<Result, "trials">) =>
    plannedTrials(result, ignored).flatMap((planned) => planned.phases);
  const flushed = withFlush.flatMap(phases);
  for (const one of phases(without)) {
    const base = latenciesOf([one]);
    const head = latenciesOf(flushed.filter(({ key }) => key === one.key));
    if (base.length === 0 || head.length === 0) continue;
    const { difference, low, high } = differenceInterval(base, head);
    return { latencyNs: difference, lowNs: low, highNs: high, trials: Math.min(base.length, head.length) };
  }
  return null;
}

function latenciesOf(variants: readonly VariantTrials[]): number[] {
  return variants
    .flatMap(({ trials }) => trials)
    .map(({ metrics }) => metrics[METRIC]?.p50)
    .filter((p50) => p50 !== undefined);
}
