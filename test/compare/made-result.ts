/** Results whose figures are chosen, not measured, to see what compare makes of them. */
import type { Metric, Result, Trial } from "../../src/results/schema.js";
import { sampleHeader } from "../results/sample.js";

export interface MadeVariant {
  readonly suite?: string;
  readonly phase?: Trial["phase"];
  readonly labels?: Trial["labels"];
  /** By metric and figure, `write_latency_ns:p50` or `write_iops`: a value a trial. */
  readonly figures: Readonly<Record<string, readonly number[]>>;
}

const HIGHER: ReadonlySet<string> = new Set(["write_iops"]);
const UNITS: Readonly<Record<string, string>> = {
  write_iops: "writes/s",
  unplug_share: "ratio",
  bitmap_tax_percent: "percent",
};

export function madeResult(variants: readonly MadeVariant[], changes: Partial<Result> = {}): Result {
  const { journal: _, ...header } = sampleHeader();
  const trials = variants.flatMap((variant, index) => madeTrials(variant, index));
  return { ...header, trials, histograms: {}, warnings: [], ...changes };
}

function madeTrials(variant: MadeVariant, index: number): Trial[] {
  const { suite = "bitmap", phase = "steady", labels = { bitmap: "on", nodes: 4 }, figures } = variant;
  const count = Math.max(...Object.values(figures).map((values) => values.length));
  return Array.from({ length: count }, (_, round) => ({
    id: `${suite}/${index}/${round}`,
    pair: null,
    suite,
    labels,
    phase,
    startedAt: "2026-01-02T03:04:06.000Z",
    durationNs: 1e9,
    metrics: metricsOf(figures, round),
    histograms: {},
  }));
}

function metricsOf(figures: MadeVariant["figures"], round: number): Record<string, Metric> {
  const metrics: Record<string, Metric> = {};
  for (const [name, values] of Object.entries(figures)) {
    const [metric = "", figure = "value"] = name.split(":");
    const value = values[round];
    if (value === undefined) continue;
    metrics[metric] = {
      unit: UNITS[metric] ?? "ns",
      direction: HIGHER.has(metric) ? "higher" : "lower",
      count: 100,
      ...metrics[metric],
      [figure]: value,
    };
  }
  return metrics;
}

/** `count` values around `middle`, `spreadPercent` from the lowest to the highest; no two are equal. */
export function around(middle: number, spreadPercent: number, count = 12): number[] {
  return Array.from(
    { length: count },
    (_, index) => middle * (1 + (spreadPercent / 100) * ((index + 0.5) / count - 0.5) + index * 1e-7),
  );
}
