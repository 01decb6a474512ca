/**
 * What the bitmap costs: 100 × (mean write latency with bitmap ÷ without − 1) of each pair of adjacent trials. A pair's figure stands
 * on its trial with the bitmap; the run's figure is the median over pairs. A pair whose two trials did not write the same members gives
 * none.
 */
import { sameArray } from "./degraded-labels.js";
import type { TrialRecord } from "./trial-record.js";

export const TAX_METRIC = "bitmap_tax_percent";

export function withTax(trials: readonly TrialRecord[]): TrialRecord[] {
  const baselines = new Map(
    trials.filter((trial) => trial.labels.bitmap === "off").map((trial) => [trial.pair, trial]),
  );
  return trials.map((trial) => {
    const baseline = baselines.get(trial.pair);
    const baselineNs = baseline?.metrics.write_latency_ns?.mean;
    const meanNs = trial.metrics.write_latency_ns?.mean;
    if (trial.labels.bitmap !== "on" || !baselineNs || meanNs === undefined) return trial;
    if (baseline === undefined || !sameArray(baseline, trial)) return trial;
    const value = 100 * (meanNs / baselineNs - 1);
    const count = trial.metrics.write_latency_ns?.count ?? 0;
    return {
      ...trial,
      metrics: { ...trial.metrics, [TAX_METRIC]: { unit: "percent", direction: "lower", value, count } },
    };
  });
}
