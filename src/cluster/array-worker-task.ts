/** What is said between a node of a running array on its worker thread and whoever started it. All of it is copied. */

import type { KernelBehaviour, Variant } from "../ondisk/slot-geometry.js";
import type { Durability } from "../storage/page-writer.js";
import type { ClusterEvent } from "./cluster-event.js";
import type { ProtocolTimeouts } from "./node-options.js";
import type { NodeError } from "./node-task.js";

export interface ArrayWorkerData {
  /** The node's number in the lockspace, from 1. */
  readonly node: number;
  readonly memberPaths: readonly string[];
  /** Where new disks may appear. */
  readonly visiblePaths: readonly string[];
  /** `manual`: an announced disk is answered by nobody. */
  readonly newDisks: "search" | "manual";
  readonly eventCommand: string | null;
  readonly variant: Variant;
  readonly kernel: KernelBehaviour;
  readonly durability: Durability;
  readonly daemonSleepMs: number;
  readonly timeouts: Partial<ProtocolTimeouts>;
  /** Every event goes out, lock calls too; else those of the protocol's steps alone. */
  readonly traced: boolean;
}

/** One 4 KiB write into each of so many chunks, the first at `firstChunk`, then every `strideChunks`. */
export interface DirtyOrder {
  readonly firstChunk: number;
  readonly chunks: number;
  readonly strideChunks: number;
  readonly chunkBytes: number;
}

export interface WriterOrder {
  /** Writes fall uniformly into [fromBytes, untilBytes). */
  readonly fromBytes: number;
  readonly untilBytes: number;
  readonly writeBytes: number;
  readonly seed: number;
}

export interface WriterReport {
  /** One number a write, in order. */
  readonly latenciesNs: Float64Array;
}

export type ArrayOrder =
  | { readonly kind: "dirty"; readonly dirty: DirtyOrder }
  | { readonly kind: "startWriter"; readonly writer: WriterOrder }
  | { readonly kind: "stopWriter" }
  | { readonly kind: "addDisk"; readonly path: string; readonly destroy: boolean }
  | { readonly kind: "removeDisk"; readonly device: number }
  /** Answered behind all events so far. */
  | { readonly kind: "tell" }
  | { readonly kind: "die" }
  | { readonly kind: "leave" };

export type ArrayAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "written"; readonly report: WriterReport }
  | { readonly kind: "added"; readonly device: number; readonly durationNs: number }
  /** The add ended without the disk, as its outcome says. */
  | { readonly kind: "notAdded"; readonly errno: string; readonly durationNs: number };

/** Worker to starter. The first answer, without an order, is that it has joined. */
export type FromWorker =
  | { readonly answer: ArrayAnswer }
  | { readonly failed: NodeError }
  | { readonly events: readonly ClusterEvent[] };
