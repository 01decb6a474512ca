/**
 * A node's latencies of one kind. The library that keeps them takes longer to load than all else that a node starts with, so that
 * it is loaded on `prepare`, which a node calls when its first writes are out: in the warm-up, long before anything is recorded.
 */
import {
  encodeHistogram,
  type LatencyHistogram,
  latencyHistogram,
  recordLatency,
} from "./latency-histogram.js";

export class LatencyRecorder {
  private histogram: LatencyHistogram | undefined;

  prepare(): void {
    this.histogram ??= latencyHistogram();
  }

  record(latencyNs: number): void {
    this.histogram ??= latencyHistogram();
    recordLatency(this.histogram, latencyNs);
  }

  /** HDR V2, compressed, base64. */
  encode(): string {
    this.histogram ??= latencyHistogram();
    return encodeHistogram(this.histogram);
  }

  close(): void {
    this.histogram?.destroy();
  }
}
