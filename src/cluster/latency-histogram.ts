/**
 * Latencies in nanoseconds as HDR histograms (three significant digits, up to one hour), kept in the library's WASM memory. The
 * library is loaded when the first histogram is made: a thread that makes none starts without it.
 */
import { createRequire } from "node:module";
import type { Histogram } from "hdr-histogram-js";

export type LatencyHistogram = Histogram;

type Library = typeof import("hdr-histogram-js");
let loaded: Library | undefined;

function library(): Library {
  if (loaded === undefined) {
    loaded = createRequire(import.meta.url)("hdr-histogram-js") as Library;
    loaded.initWebAssemblySync();
  }
  return loaded;
}

const HIGHEST_NS = 3_600_000_000_000;

export function latencyHistogram(): LatencyHistogram {
  return library().build({
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
  return library().encodeIntoCompressedBase64(histogram);
}

export function decodeHistogram(encoded: string): LatencyHistogram {
  return library().decodeFromCompressedBase64(encoded, 64, true);
}
