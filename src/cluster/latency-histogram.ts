/**
 * Latencies in nanoseconds as HDR histograms (three significant digits, up to one hour), kept in the library's WASM memory.
 */
import * as hdr from "hdr-histogram-js";

export type LatencyHistogram = hdr.Histogram;

const HIGHEST_NS = 3_600_000_000_000;

export function latencyHistogram(): LatencyHistogram {
  hdr.initWebAssemblySync();
  return hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_NS,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
    autoResize: false,
    useWebAssembly: true,
  });
}

export function recordLatency(histogram: LatencyHistogram, latencyNs: number): void {
  histogram.recordValue(Math.min(HIGHEST_NS, Math.max(1, Math.round(latencyNs))));
}

/** HDR V2, compressed, base64. */
export function encodeHistogram(histogram: LatencyHistogram): string {
  return hdr.encodeIntoCompressedBase64(histogram);
}

export function decodeHistogram(encoded: string): LatencyHistogram {
  hdr.initWebAssemblySync();
  return hdr.decodeFromCompressedBase64(encoded, 64, true);
}
