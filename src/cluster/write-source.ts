/** Where a node's writes come from and when each is meant to start: generated, or from a trace. */

import type { WorkloadOptions } from "../bitmap/workload.js";
import type { EventFile } from "../block-trace/event-block.js";

/** md flushes a plug by itself at 32 × copies member bios, copies being twice the members (spec §3.2 step 5). */
export const PLUG_SPLIT_WRITES = 64;

/** What a node's task says about its writes. */
export type WritesTask =
  | {
      readonly kind: "generated";
      readonly workload: WorkloadOptions;
      /** So many writes later the workload begins anew, where the ring is filled; null: it never does. */
      readonly writesBeforeRepeat: number | null;
      /** This node's writes a second in open loop; null: closed loop. */
      readonly ratePerSecond: number | null;
    }
  | {
      readonly kind: "traced";
      /** This node's part of the trace. */
      readonly events: EventFile;
      /** Intended times are the events' times this; null: closed loop. */
      readonly timeScale: number | null;
      /** From the trace's start to its start when it is replayed again, in the time of its events. */
      readonly periodNs: number;
      /** Of any write that a node has. */
      readonly largestWriteBytes: number;
      /** Of the payload. */
      readonly seed: number;
    };

export interface WriteSource {
  readonly openLoop: boolean;
  /** A node whose part of a trace has no writes. */
  readonly empty: boolean;
  /** When the next plug is meant to start: in the past or now for closed loop, infinity where there is nothing to write. */
  readonly nextNs: number;
  /** By index in the ring, for the writes that `next` gave last: from when their latency counts. */
  readonly countFromNs: Float64Array;
  /** When the last plug was meant to start. */
  readonly plugIntendedNs: number;
  /** Starts the clock. */
  start(nowNs: number): void;
  /** The measured interval begins: what the warm-up left undone is forgotten. */
  measureFrom(fromNs: number): void;
  /** Begins a plug; returns how many writes it has. */
  plug(nowNs: number): number;
  /** Puts the plug's next writes, at most `most`, into one run of the ring; returns how many. They overlap nowhere. */
  next(most: number): number;
  /** Where that run begins. */
  readonly first: number;
}

export function payloadBytesOf(writes: WritesTask): number {
  return writes.kind === "generated"
    ? writes.workload.writeBytes
    : Math.ceil(writes.largestWriteBytes / 4096) * 4096;
}

export function payloadSeedOf(writes: WritesTask): number {
  return writes.kind === "generated" ? writes.workload.seed : writes.seed;
}
