/**
 * How a node's bytes reach the members: bitmap pages and data, straight from linear memory, blocking the worker.
 */
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

export interface PageWriter {
  readonly io: PageIo;
  /** Whether members are written at once or one after another; latencies of `serial` are sums. */
  readonly members: "parallel" | "serial";
  /** False where a member's filesystem refuses O_DIRECT: its writes then pass through the page cache. */
  readonly directIo: boolean;
  /**
   * Writes `count` listed pages to every member and returns when they are as durable as asked.
   * @throws SlotmarkError kind `device`, naming member, offset and errno
   */
  writePages(
    pages: {
      readonly page: Uint32Array;
      readonly offsetBytes: Float64Array;
      readonly lengthBytes: Uint32Array;
    },
    count: number,
  ): void;
  /**
   * Writes payload for the events [first, first + count) to the data area of every member, in their order, up to the writer's
   * depth at once. `completedNs[i]` becomes the time (CLOCK_MONOTONIC) at which event first + i had reached its last member.
   * @throws SlotmarkError as `writePages`
   */
  writeData(
    events: { readonly sector: Float64Array; readonly sectors: Uint32Array },
    first: number,
    count: number,
    completedNs: Float64Array,
  ): void;
  close(): void;
}
