/**
 * How a node's bytes reach the members: bitmap pages and data, straight from linear memory, blocking the worker.
 */
export type Durability = "preflush-fua" | "fua" | "none";

export interface PageWriterOptions {
  readonly members: readonly { readonly path: string; readonly dataOffsetBytes: number }[];
  /** All of a worker's linear memory; page-aligned, so that O_DIRECT needs no copy. */
  readonly memory: Uint8Array;
  /** Where the slot's page images begin in `memory`. */
  readonly imageOffsetBytes: number;
  /** Where the payload of data writes begins in `memory`. */
  readonly payloadOffsetBytes: number;
  readonly durability: Durability;
  /** Data writes are durable as well (`--data-sync`). */
  readonly dataSync: boolean;
}

export interface PageWriter {
  readonly io: "psync" | "uring";
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
  /** Writes payload to the data area of every member; `offsetBytes` counts from the start of the data area. */
  writeData(offsetBytes: number, lengthBytes: number): void;
  close(): void;
}
