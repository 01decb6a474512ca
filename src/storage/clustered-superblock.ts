/**
 * The few fields that say whether a member carries a clustered array, how far its bitmaps reach and how often a living
 * cluster would write them. What the guard needs; the whole superblock is read and validated in `ondisk/`.
 *
 * Source: spec §1.1 and §1.2.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";

const MD_MAGIC = 0xa92b4efc;
const BITMAP_MAGIC = 0x6d746962;
const FEATURE_BITMAP_OFFSET = 1;
const FEATURE_CLUSTERED = 256;
const CLUSTERED_BITMAP_VERSION = 5;
/** Superblocks of version 1.2, the only one that clustered arrays have. */
export const SUPERBLOCK_OFFSET_BYTES = 4096;
const DEFAULT_DAEMON_SLEEP_SECONDS = 5;

export interface ClusteredSuperblock {
  readonly dataOffsetBytes: number;
  readonly daemonSleepSeconds: number;
}

/** @returns undefined where the member carries no clustered array */
export function readClusteredSuperblock(path: string): ClusteredSuperblock | undefined {
  const descriptor = openSync(path, "r");
  try {
    const head = readBytes(descriptor, SUPERBLOCK_OFFSET_BYTES, 256);
    if (head === undefined || head.readUInt32LE(0) !== MD_MAGIC || head.readUInt32LE(4) !== 1)
      return undefined;
    const features = head.readUInt32LE(8);
    const dataOffsetBytes = Number(head.readBigUInt64LE(128)) * SECTOR_BYTES;
    const bitmapOffsetBytes = SUPERBLOCK_OFFSET_BYTES + head.readInt32LE(96) * SECTOR_BYTES;
    const hasBitmap = (features & FEATURE_BITMAP_OFFSET) !== 0 && bitmapOffsetBytes >= 0;
    const bitmap = hasBitmap ? readBytes(descriptor, bitmapOffsetBytes, 256) : undefined;
    const clusteredBitmap =
      bitmap !== undefined &&
      bitmap.readUInt32LE(0) === BITMAP_MAGIC &&
      bitmap.readUInt32LE(4) === CLUSTERED_BITMAP_VERSION;
    if ((features & FEATURE_CLUSTERED) === 0 && !clusteredBitmap) return undefined;
    return {
      dataOffsetBytes,
      daemonSleepSeconds: clusteredBitmap ? bitmap.readUInt32LE(56) : DEFAULT_DAEMON_SLEEP_SECONDS,
    };
  } finally {
    closeSync(descriptor);
  }
}

function readBytes(descriptor: number, offsetBytes: number, lengthBytes: number): Buffer | undefined {
  const bytes = Buffer.alloc(lengthBytes);
  return readSync(descriptor, bytes, 0, lengthBytes, offsetBytes) === lengthBytes ? bytes : undefined;
}
