/**
 * One slot's bitmap as a node holds it in memory: page images as they lie on disk, a 16-bit counter a chunk, and
 * three attributes a page. Spec §3 is the definition; `reference.ts` says it plainly, `wasm.ts` does it fast, and one
 * property test holds both to the same answers.
 *
 * Nothing here does I/O or knows a clock: the caller writes the pages that a call lists and says when a pass is due.
 */
import { SlotmarkError } from "../errors.js";
import type { SlotGeometry } from "../ondisk/slot-geometry.js";

/** Counter word: 0 clean, 1 and 2 idle with the bit on disk, n ≥ 3 means n − 2 writes in flight (spec §3.1). */
export const COUNTER_NEEDED = 0x8000;
export const COUNTER_RESYNC = 0x4000;
export const COUNTER_MAX = 0x3fff;

/**
 * Application writes, by ring index. Filled by the workload generator inside WASM or by the caller, then named by
 * (first, count) in the calls below; indices do not wrap inside one call.
 */
export interface EventRing {
  readonly capacity: number;
  /** First array sector of the write. */
  readonly sector: Float64Array;
  /** Length in sectors, at least 1. */
  readonly sectors: Uint32Array;
}

/** Pages that the last call wants written, ascending. */
export interface PageList {
  readonly page: Uint32Array;
  /** Byte offset of the page's write on every member. */
  readonly offsetBytes: Float64Array;
  /** Length of the write; the slot's last page may be trimmed. */
  readonly lengthBytes: Uint32Array;
}

export interface ArrayState {
  /** The array's event count (`mddev->events`). */
  readonly events: number;
  readonly degraded: boolean;
}

export interface SlotBitmap {
  readonly geometry: SlotGeometry;
  readonly slot: number;
  readonly ring: EventRing;
  readonly pages: PageList;
  /** The slot's exact bytes, superblock included: pagesPerSlot × 4096. */
  readonly image: Uint8Array;
  /** No pending work for the daemon (`bitmap->allclean`). True for a new bitmap, as after a pass that found nothing to do; false after a load. */
  readonly allClean: boolean;
  /** The next pass puts events_cleared into page 0 (`bitmap->need_sync`). Settable, for traces state it as an input. */
  needSync: boolean;
  /** In-memory events_cleared; the image's follows at a pass or superblock update. */
  eventsCleared: number;

  setArrayState(state: ArrayState): void;

  /**
   * Starts ring events [first, first + count). Returns how many were started: fewer than asked where a chunk's counter is
   * at 16383; that event and those after it have changed nothing, and the caller ends some writes first.
   * @throws SlotmarkError `write-beyond-array`; the events before the one that it names have been started
   */
  startWrites(first: number, count: number): number;
  /**
   * Ends ring events that were started. Their chunks become NEEDED where the write did not reach every member (`failed`) and, on a
   * mainline kernel, where the array is degraded by now.
   */
  endWrites(first: number, count: number, failed: boolean): void;
  /** Lists pages to write before the data of the plug; returns how many. */
  unplug(): number;
  /**
   * One daemon pass behind its time gate: ages, clears; lists the pages to write. Stops at the first DIRTY page. Does nothing
   * where `allClean`. Flush at stop is three passes and a superblock update (spec §3.4).
   */
  daemonPass(): number;
  /** Puts events, events_cleared and the other fields into page 0's superblock and lists page 0 (waited for by the caller). */
  updateSuperblock(): number;
  /** Marks every page for writing at the next pass or unplug (a spare was added). */
  writeAll(): void;
  /** After the caller wrote the listed pages: bits on disk, all pages together. */
  notePagesWritten(count: number): number;

  /**
   * Starts afresh from the page images just read from disk: set bit → 2, plus NEEDED where the chunk ends at or after
   * `needFromSector` (Infinity: nowhere). `eventsCleared` is the caller's to take from the superblock.
   */
  load(needFromSector: number): void;
  /** A stale bitmap: sets every bit, padding included, as the kernel does, leaves every page DIRTY; else as `load`. */
  loadStale(needFromSector: number): void;
  /**
   * Merges another slot's image (same geometry) into this one: its chunks become NEEDED, set and DIRTY; returns first and
   * last merged chunk, or null.
   */
  merge(other: Uint8Array): { readonly firstChunk: number; readonly lastChunk: number } | null;

  /**
   * Resync bookkeeping (spec §3.6). Whether the span of `sectors` from `sector` needs resync; a span is whole chunks to their
   * end, at least one page of 8 sectors. `degraded` only asks, and changes nothing.
   */
  startSync(sector: number, degraded: boolean): { readonly needed: boolean; readonly sectors: number };
  /** Ends the resync of the chunk at `sector`; returns the sectors to its end. */
  endSync(sector: number, aborted: boolean): number;
  /** Ends the resync of all chunks, not aborted. */
  closeSync(): void;

  /** Chunk bits set in the images; padding after the last chunk does not count. */
  countDirtyChunks(): number;
  /** Inclusive ranges of set chunk bits, ascending, from `fromChunk`, at most `maxRanges`. */
  dirtyRanges(fromChunk?: number, maxRanges?: number): [number, number][];
  /** Counter word of one chunk. */
  counter(chunk: number): number;
}

/** The error of a write that is empty or passes the array's end. */
export function writeBeyondArray(geometry: SlotGeometry, sector: number, sectors: number): SlotmarkError {
  return new SlotmarkError(
    "input",
    "write-beyond-array",
    `a write of ${sectors} sectors at sector ${sector} is not inside the array of ${geometry.syncSizeSectors} sectors`,
    "keep every write at least one sector long and inside the array, or use a larger array",
  );
}
