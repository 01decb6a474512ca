/** A trial's latencies by metric: figures, and the histograms that they come from. */
import { encodeHistogram, latencyHistogram, recordLatency } from "../cluster/latency-histogram.js";
import { latencyMetric } from "./latency-metric.js";
import type { Metric } from "./trial-record.js";

export class LatencyRecord {
  readonly metrics: Record<string, Metric> = {};
  readonly references: Record<string, string> = {};
  readonly histograms: Record<string, string> = {};

  constructor(private readonly trialId: string) {}

  /** Nothing is recorded where there are no samples (no spin floor on a machine with one core). */
  add(name: string, latenciesNs: Float64Array): void {
    if (latenciesNs.length === 0) return;
    const histogram = latencyHistogram();
    for (const latencyNs of latenciesNs) recordLatency(histogram, latencyNs);
    this.metrics[name] = latencyMetric(histogram);
    const reference = `${this.trialId}/${name}`;
    this.references[name] = reference;
    this.histograms[reference] = encodeHistogram(histogram);
    histogram.destroy();
  }
}
