/** What a trace holds, found by reading all of it once. */
import type { TraceFormat } from "./line-reader.js";

export interface TraceSummary {
  readonly format: TraceFormat;
  /** blkparse: the action whose lines were taken. */
  readonly action: string | null;
  readonly lines: number;
  readonly writes: number;
  readonly writtenBytes: number;
  /** Counted, not replayed. */
  readonly reads: number;
  readonly trims: number;
  readonly syncs: number;
  readonly waits: number;
  /** Whether writes have times of their own; else only their order is known. */
  readonly timed: boolean;
  /** From the first write to the last; 0 where the trace has no times. */
  readonly durationNs: number;
  /** Events' times from one write to the next, on average; 1 where the trace has no times and events carry their number. */
  readonly meanIntervalNs: number;
  /** First byte behind all that is written, and the line of the write that ends there. */
  readonly endBytes: number;
  readonly endLine: number;
  readonly largestWriteBytes: number;
  /** First line of each alignment (of offset and length alike, a power of two) below any seen before it. */
  readonly alignments: readonly { readonly alignmentBytes: number; readonly line: number }[];
  /** Writes whose time was before their predecessor's, which they were given instead. */
  readonly outOfOrder: number;
  /** File or device that is written. */
  readonly target: string;
  /** SHA-256 (hex) of the writes and their times: the same work gives the same hash, whatever it was recorded on. */
  readonly sha256: string;
}

/** Writes over which a replay that starts again repeats itself: the last one is followed by a mean interval. */
export function periodOf({ writes, meanIntervalNs }: TraceSummary): number {
  return writes * meanIntervalNs;
}
