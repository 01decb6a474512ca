/**
 * What the kernel refuses in a bitmap superblock (md-bitmap.c `md_bitmap_read_sb`, spec §1.2), in its order, each with
 * its own error; then what a cluster needs.
 */
import {
  BITMAP_FIELD,
  BITMAP_MAGIC,
  BITMAP_VERSION_CLUSTERED,
  BITMAP_VERSION_LOWEST,
  type BitmapSuperblock,
  WRITE_BEHIND_MAX,
} from "./bitmap-superblock.js";
import { type FieldFault, fieldError, hex, type Origin } from "./field-error.js";
import { readFixedText } from "./fixed-text.js";
import { NODES_MAX } from "./slot-geometry.js";
import { uuidText } from "./uuid.js";

export const CHUNK_BYTES_MIN = 512;
/**
 * The kernel counts ticks, from 1 to MAX_SCHEDULE_TIMEOUT; where a long has 32 bits and HZ is 250 that is 2^31 − 1 ticks
 * (99 days). On 64 bits the product with HZ wraps instead, so a larger value means nothing there either.
 */
export const DAEMON_SLEEP_MAX_SECONDS = Math.floor((2 ** 31 - 1) / 250);

export interface BitmapSuperblockSurroundings {
  readonly origin: Origin;
  readonly slot: number;
  /** The array's UUID, from the md superblock. */
  readonly setUuid: Uint8Array;
  /** Whether the md superblock has the CLUSTERED feature. */
  readonly clustered: boolean;
}

/** @throws SlotmarkError kind `input`, one code a check */
export function checkBitmapSuperblock(
  superblock: BitmapSuperblock,
  { origin, slot, setUuid, clustered }: BitmapSuperblockSurroundings,
): void {
  const refuse = (
    code: string,
    field: keyof typeof BITMAP_FIELD,
    found: string,
    expected: string,
    remedy?: string,
  ): never => {
    const fault: FieldFault = {
      code,
      where: bitmapSuperblockOf(slot),
      field,
      at: BITMAP_FIELD[field],
      found,
      expected,
    };
    throw fieldError(origin, remedy === undefined ? fault : { ...fault, remedy });
  };
  const { magic, version, chunkBytes, daemonSleepSeconds, writeBehind } = superblock;
  if (magic !== BITMAP_MAGIC) refuse("bitmap-magic", "magic", hex(magic, 8), hex(BITMAP_MAGIC, 8));
  if (version < BITMAP_VERSION_LOWEST || version > BITMAP_VERSION_CLUSTERED) {
    refuse(
      "bitmap-version",
      "version",
      `${version}`,
      `${BITMAP_VERSION_LOWEST} to ${BITMAP_VERSION_CLUSTERED}`,
    );
  }
  if (chunkBytes < CHUNK_BYTES_MIN) {
    refuse(
      "bitmap-chunk-too-small",
      "chunksize",
      `${chunkBytes} bytes`,
      `a power of two of at least ${CHUNK_BYTES_MIN}`,
    );
  }
  if (!isPowerOfTwo(chunkBytes)) {
    refuse("bitmap-chunk-not-power-of-two", "chunksize", `${chunkBytes} bytes`, "a power of two");
  }
  if (daemonSleepSeconds < 1 || daemonSleepSeconds > DAEMON_SLEEP_MAX_SECONDS) {
    refuse(
      "bitmap-daemon-sleep",
      "daemon_sleep",
      `${daemonSleepSeconds} s`,
      `1 to ${DAEMON_SLEEP_MAX_SECONDS} s`,
    );
  }
  if (writeBehind > WRITE_BEHIND_MAX) {
    refuse("bitmap-write-behind", "write_behind", `${writeBehind}`, `0 to ${WRITE_BEHIND_MAX}`);
  }
  const uuids = [uuidText(superblock.uuid), uuidText(setUuid)] as const;
  if (uuids[0] !== uuids[1]) {
    refuse("bitmap-uuid-mismatch", "uuid", uuids[0], `${uuids[1]}, the array's set_uuid`);
  }
  if (clustered && version !== BITMAP_VERSION_CLUSTERED) {
    refuse(
      "bitmap-not-clustered",
      "version",
      `${version}`,
      `${BITMAP_VERSION_CLUSTERED}, for feature_map names a clustered array`,
    );
  }
}

/**
 * What clustering needs of `nodes`; the kernel takes it from version 5 alone.
 * @throws SlotmarkError `too-few-nodes`, `too-many-nodes`
 */
export function checkNodes({ origin, slot, superblock }: LocatedBitmapSuperblock): void {
  const { version, nodes } = superblock;
  if (version !== BITMAP_VERSION_CLUSTERED || (nodes >= 2 && nodes <= NODES_MAX)) return;
  throw fieldError(origin, {
    code: nodes < 2 ? "too-few-nodes" : "too-many-nodes",
    where: bitmapSuperblockOf(slot),
    field: "nodes",
    at: BITMAP_FIELD.nodes,
    found: `${nodes}`,
    expected: `2 to ${NODES_MAX}`,
    remedy: "the kernel recovers slots 0 to 63 only; make the array with --nodes 2 to 64",
  });
}

export function bitmapSuperblockOf(slot: number): string {
  return `bitmap superblock of slot ${slot}`;
}

/** A bitmap superblock with the place that it was read from. */
export interface LocatedBitmapSuperblock {
  readonly origin: Origin;
  readonly slot: number;
  readonly superblock: BitmapSuperblock;
}

/**
 * What all slots of all members say alike; events, events_cleared and state are each slot's own.
 * @throws SlotmarkError `inconsistent`, naming both places
 */
export function checkSlotsAgree(reference: LocatedBitmapSuperblock, other: LocatedBitmapSuperblock): void {
  const a = reference.superblock;
  const b = other.superblock;
  const pairs: readonly (readonly [keyof typeof BITMAP_FIELD, string, string])[] = [
    ["version", `${a.version}`, `${b.version}`],
    ["nodes", `${a.nodes}`, `${b.nodes}`],
    ["cluster_name", quoted(a.clusterName), quoted(b.clusterName)],
    ["chunksize", `${a.chunkBytes}`, `${b.chunkBytes}`],
    ["sync_size", `${a.syncSizeSectors}`, `${b.syncSizeSectors}`],
    ["daemon_sleep", `${a.daemonSleepSeconds}`, `${b.daemonSleepSeconds}`],
    ["write_behind", `${a.writeBehind}`, `${b.writeBehind}`],
  ];
  for (const [field, expected, found] of pairs) {
    if (found === expected) continue;
    throw fieldError(other.origin, {
      code: "inconsistent",
      where: bitmapSuperblockOf(other.slot),
      field,
      at: BITMAP_FIELD[field],
      found,
      expected: `${expected} as in slot ${reference.slot} of ${reference.origin.member} at byte ${reference.origin.offsetBytes + BITMAP_FIELD[field]}`,
      remedy: "one of the two is damaged or belongs to another array: assemble with the members that agree",
    });
  }
}

function quoted(clusterName: Uint8Array): string {
  return JSON.stringify(readFixedText(clusterName));
}

export function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isInteger(Math.log2(value));
}
