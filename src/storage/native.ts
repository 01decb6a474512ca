/**
 * The addon's kernel calls with types, loaded when first needed. What each does and when it fails stands in `native/src/`.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { getSystemErrorName } from "node:util";
import { SlotmarkError } from "../errors.js";

/** What setting rings up and a probe of one of them gave. */
export interface IoUringProbe {
  readonly available: boolean;
  /** Absent where all could be had. */
  readonly errno?: number;
  /** So many of those that were asked for could be had at once. */
  readonly rings: number;
  readonly write: boolean;
  readonly writeFixed: boolean;
  readonly fsync: boolean;
  readonly extArg: boolean;
  readonly noDrop: boolean;
}

/** Bytes `start` to `end` − 1. */
export interface DataExtent {
  readonly start: number;
  readonly end: number;
}

/** How one stretch of memory is written to several files; offsets and lengths in bytes. */
export interface MemberWriterOptions {
  /** Stretches of the memory that the kernel may pin for a ring, as pairs of offset and length. */
  readonly registered: readonly number[];
  /** The caller keeps them open until the writer is closed. */
  readonly descriptors: readonly number[];
  /** Without a ring: the same files, opened with O_DSYNC. */
  readonly durableDescriptors: readonly number[];
  readonly dataOffsets: readonly number[];
  readonly imageOffset: number;
  readonly pageBytes: number;
  readonly payloadOffset: number;
  readonly flushBeforePages: boolean;
  readonly durablePages: boolean;
  readonly durableData: boolean;
  /** Requests that the ring holds; absent: no ring, but one blocking write after another. */
  readonly ringEntries?: number;
  /** Data writes of one file in flight at once; 0: as many as the ring holds. */
  readonly depth: number;
}

interface MemberWriterControl {
  /** True where the kernel would not pin the memory for the ring (RLIMIT_MEMLOCK). */
  readonly mapsEachWrite: boolean;
  /** The list that `writePages` reads. The arrays stay where they are until the writer is closed. */
  usePages(page: Uint32Array, offsetBytes: Float64Array, lengthBytes: Uint32Array): void;
  /** What `writeData` reads, and where it puts the time of each event's completion. */
  useEvents(sector: Float64Array, sectors: Uint32Array, completedNs: Float64Array): void;
  /** Writes nothing to this file from here on. */
  giveUp(file: number): void;
  close(): void;
}

export interface NativeMemberWriter {
  readonly control: MemberWriterControl;
  /** Returns how many files fail now; the array of failures holds for each errno, file, offset (−1: the flush) and length. */
  readonly writePages: (count: number) => number;
  readonly writeData: (first: number, count: number) => number;
}

interface Addon {
  readonly MemberWriter: new (
    memory: Uint8Array,
    options: MemberWriterOptions,
    failures: Float64Array,
  ) => MemberWriterControl & {
    pageCall(): NativeMemberWriter["writePages"];
    dataCall(): NativeMemberWriter["writeData"];
  };
  probeIoUring(rings: number, entries: number): IoUringProbe;
  isOpenElsewhere(descriptor: number): boolean;
  tryLockFile(descriptor: number): boolean;
  canLoadLibrary(name: string): boolean;
  nextData(descriptor: number, offsetBytes: number): DataExtent | null;
}

/** Requests that a writer's ring holds: pages of one unplug times members, as a rule. */
export const URING_ENTRIES = 256;

/** This file runs from dist/src/storage/. */
const ADDON_PATH = fileURLToPath(new URL("../../../native/slotmark.node", import.meta.url));
let addon: Addon | undefined;

function load(): Addon {
  if (addon !== undefined) return addon;
  try {
    const loaded: Addon = createRequire(import.meta.url)(ADDON_PATH);
    addon = loaded;
    return loaded;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    throw new SlotmarkError(
      "input",
      "setup-incomplete",
      `the native addon cannot be loaded (${reason})`,
      "Run node setup.mjs in slotmark's folder to build it.",
    );
  }
}

/** `EPERM` for 1; the addon's errors end in `errno N`. */
export function errnoName(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : `errno ${errno}`;
}

/** @param rings how many are to be had at once, one a writer, each of the length that writers use */
export function probeIoUring(rings = 1): IoUringProbe {
  return load().probeIoUring(rings, URING_ENTRIES);
}

/**
 * Whether any other open file description of this regular file exists on this machine, by asking for a write lease.
 * The asking descriptor must be the only one that this process has of the file.
 * @throws Error ending in `errno N` where the filesystem grants no leases or the descriptor is no regular file
 */
export function isOpenElsewhere(descriptor: number): boolean {
  return load().isOpenElsewhere(descriptor);
}

/**
 * Takes an exclusive lock on the open file without waiting; it lasts until the descriptor is closed, at the latest until
 * the process ends. Returns false where somebody else holds it.
 */
export function tryLockFile(descriptor: number): boolean {
  return load().tryLockFile(descriptor);
}

/** Whether dlopen(3) finds and loads a shared library. */
export function canLoadLibrary(name: string): boolean {
  return load().canLoadLibrary(name);
}

/**
 * The first extent at or behind `offsetBytes` that is no hole; everything in front of it reads as zeros. Null: only a hole
 * follows. A block device counts as data throughout. Moves the descriptor's file position.
 * @throws Error ending in `errno N`
 */
export function nextData(descriptor: number, offsetBytes: number): DataExtent | null {
  return load().nextData(descriptor, offsetBytes);
}

/**
 * @param failures room for four numbers a file
 * @throws SlotmarkError `io-uring-refused`, with the kernel's errno
 */
export function createMemberWriter(
  memory: Uint8Array,
  options: MemberWriterOptions,
  failures: Float64Array,
): NativeMemberWriter {
  const { MemberWriter } = load();
  try {
    const control = new MemberWriter(memory, options, failures);
    return { control, writePages: control.pageCall(), writeData: control.dataCall() };
  } catch (error) {
    const errno = /errno (\d+)$/.exec(error instanceof Error ? error.message : "")?.[1];
    if (errno === undefined) throw error;
    throw new SlotmarkError(
      "input",
      "io-uring-refused",
      `the kernel gives this process no io_uring (${errnoName(Number(errno))})`,
      "Use --io psync, or see what slotmark doctor says of io_uring.",
    );
  }
}
