/** What a reader of one trace format makes of a line. */

/**
 * `write`: the event holds a write. `read`, `trim`, `sync`, `wait`: not replayed. `other`: of no concern, such as what happens to a
 * request later on. `end`: no events from here on.
 */
export type LineKind = "write" | "read" | "trim" | "sync" | "wait" | "other" | "end";

/** Filled in by the reader, for the line that was read last. */
export interface TraceEvent {
  /** From wherever the trace counts; 0 where it has no times. */
  timeNs: number;
  offsetBytes: number;
  lengthBytes: number;
  /** The file or device that the addresses count in. */
  target: string;
}

export type TraceFormat = "fio iolog version 2" | "fio iolog version 3" | "blkparse";

export interface LineReader {
  readonly format: TraceFormat;
  readonly hasTimes: boolean;
  /** Lines before the first event. */
  readonly headLines: number;
  /** What a file or device is called in this format. */
  readonly targetNoun: "file" | "device";
  /** What a line should have been, where `read` gives null. */
  readonly expected: string;
  /** Null for a malformed line. */
  read(line: string, event: TraceEvent): LineKind | null;
}
