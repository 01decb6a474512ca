/** A latency's figures from its histogram. */
import type { LatencyHistogram } from "../cluster/latency-histogram.js";
import type { Metric } from "./trial-record.js";

export function latencyMetric(histogram: LatencyHistogram): Metric {
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile);
  return {
    unit: "ns",
    direction: "lower",
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue,
    mean: histogram.mean,
    count: histogram.totalCount,
  };
}
