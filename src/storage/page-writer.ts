/**
 * How a node's bytes reach the members: bitmap pages and data, straight from linear memory, blocking the worker.
 *
 * A member that fails gets nothing more from its writer; the others get all of what a call has to write.
 */
import type { MemberFailed } from "./device-error.js";

export type Durability = "preflush-fua" | "fua" | "none";

/** `uring`: all members at once; `psync`: one blocking write after another. */
export type PageIo = "uring" | "psync";

export interface PageWriterOptions {
  readonly members: readonly { readonly path: string; readonly dataOffsetBytes: number }[];
  /** All of a worker's linear memory; page-aligned, so that O_DIRECT needs no copy. */
  readonly memory: Uint8Array;
  /** Where the slot's page images begin in `memory`. */
  readonly imageOffsetBytes: number;
  readonly imageBytes: number;
  /** Where the payload of data writes begins in `memory`. */
  readonly payloadOffsetBytes: number;
  readonly payloadBytes: number;
  /** Data writes in flight at once, a member; 0: all of a call's. One after another with `psync`. */
  readonly depth: number;
  readonly durability: Durability;
  /** Data writes are durable as well (`--data-sync`). */
  readonly dataSync: boolean;
}

/** A member that failed, and how. */
export interface MemberFailure {
  /** Index among the writer's members. */
  readonly member: number;
  readonly error: MemberFailed;
}

/** As a rule nothing fails, and a call allocates nothing. */
export const NO_FAILURES: readonly MemberFailure[] = [];

/** Which page images go where. A writer may keep the arrays of the list that it was given last. */
export interface PageWrites {
  readonly page: Uint32Array;
  readonly offsetBytes: Float64Array;
  readonly lengthBytes: Uint32Array;
}

/** Where data writes begin and how long they are, kept like `PageWrites`. */
export interface DataWrites {
  readonly sector: Float64Array;
  readonly sectors: Uint32Array;
}

export interface PageWriter {
  readonly io: PageIo;
  /** Whether members are written at once or one after another; latencies of `serial` are sums. */
  readonly members: "parallel" | "serial";
  /** False where a member's filesystem refuses O_DIRECT: its writes then pass through the page cache. */
  readonly directIo: boolean;
  /** True where io_uring may not pin the memory (RLIMIT_MEMLOCK) and maps it for each write, at more CPU. */
  readonly mapsEachWrite: boolean;
  /**
   * Writes `count` listed pages to every member that is left, and returns when they are as durable as asked and nothing is in
   * flight any more. Returns the members that fail now.
   */
  writePages(pages: PageWrites, count: number): readonly MemberFailure[];
  /**
   * Writes payload for the events [first, first + count) to the data area of every member that is left, in their order, up to the
   * writer's depth at once. `completedNs[i]` becomes the time (CLOCK_MONOTONIC) at which event first + i had reached its last
   * member, or failed there. Returns the members that fail now.
   */
  writeData(
    events: DataWrites,
    first: number,
    count: number,
    completedNs: Float64Array,
  ): readonly MemberFailure[];
  /** Writes nothing to this member from here on: it failed elsewhere. */
  giveUp(member: number): void;
  close(): void;
}
