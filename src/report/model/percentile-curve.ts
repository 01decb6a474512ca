/** A latency's distribution as a curve: all trials' histograms in one, reduced to as many points as a picture can show. */
import { decodeHistogram, type LatencyHistogram, latencyHistogram } from "../../cluster/latency-histogram.js";
import { SlotmarkError } from "../../errors.js";
import type { Trial } from "../../results/schema.js";
import type { Machine } from "./machine-list.js";

export const POINTS = 200;
const HIGHEST = 99.99;

/** Equal steps on the axis that spreads percentiles by 1 ÷ (1 − p). */
const PERCENTILES = Array.from({ length: POINTS }, (_, index) => {
  const place = (index / (POINTS - 1)) * -Math.log10(1 - HIGHEST / 100);
  return Number((100 * (1 - 10 ** -place)).toFixed(5));
});

/**
 * @returns percentile and nanoseconds, ascending, as far as an observation lies above; null where the trials have no
 * such histogram
 */
export function percentileCurve(
  machine: Machine,
  trials: readonly Trial[],
  metric: string,
): [number, number][] | null {
  const whole = latencyHistogram();
  try {
    for (const trial of trials) {
      const reference = trial.histograms[metric];
      if (reference === undefined) continue;
      const of = machine.results.find((one) => reference in one.histograms && one.trials.includes(trial));
      const encoded = of?.histograms[reference];
      if (encoded === undefined) continue;
      const histogram = decodedHistogram(encoded, `${machine.name}: trial ${trial.id}`, metric);
      whole.add(histogram);
      histogram.destroy();
    }
    const count = whole.totalCount;
    if (count === 0) return null;
    return PERCENTILES.filter((percentile) => percentile <= 50 || count * (1 - percentile / 100) >= 1).map(
      (percentile) => [percentile, Number(whole.getValueAtPercentile(percentile).toPrecision(4))],
    );
  } finally {
    whole.destroy();
  }
}

/** @throws SlotmarkError `histogram-malformed` (input) */
function decodedHistogram(encoded: string, where: string, metric: string): LatencyHistogram {
  try {
    return decodeHistogram(encoded);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlotmarkError(
      "input",
      "histogram-malformed",
      `${where}: the histogram of ${metric} cannot be decoded (${reason})`,
      "Take the result file as slotmark wrote it: this one was changed or cut short.",
    );
  }
}
