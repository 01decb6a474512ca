/**
 * What the guard must know of a clustered array on a member: how far its bitmaps reach and how often a living cluster
 * would write them. Lenient on purpose: a damaged superblock may still be another host's; `ondisk/` judges it later.
 */
import { closeSync, openSync, readSync } from "node:fs";
import {
  BITMAP_MAGIC,
  BITMAP_VERSION_CLUSTERED,
  parseBitmapSuperblock,
} from "../ondisk/bitmap-superblock.js";
import { readFixedText } from "../ondisk/fixed-text.js";
import {
  FEATURE_BITMAP_OFFSET,
  FEATURE_CLUSTERED,
  MD_MAGIC,
  MD_SUPERBLOCK_HEAD_BYTES,
  MD_SUPERBLOCK_SECTOR,
  parseMdSuperblock,
} from "../ondisk/md-superblock.js";
import { BITMAP_SUPERBLOCK_BYTES, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { memberFailed } from "./device-error.js";

export const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;
/** mdadm's default, for a member whose bitmap superblock is not readable as one. */
const DEFAULT_DAEMON_SLEEP_SECONDS = 5;

export interface ClusteredSuperblock {
  readonly setName: string;
  readonly dataOffsetBytes: number;
  readonly daemonSleepSeconds: number;
}

/** @returns undefined where the member carries no clustered array */
export function readClusteredSuperblock(path: string): ClusteredSuperblock | undefined {
  const head = readBytes(path, SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_HEAD_BYTES);
  if (head === undefined) return undefined;
  const superblock = parseMdSuperblock(head);
  if (superblock.magic !== MD_MAGIC || superblock.majorVersion !== 1) return undefined;
  const bitmapOffsetBytes = SUPERBLOCK_OFFSET_BYTES + superblock.bitmapOffsetSectors * SECTOR_BYTES;
  const hasBitmap = (superblock.featureMap & FEATURE_BITMAP_OFFSET) !== 0 && bitmapOffsetBytes > 0;
  const bitmapBytes = hasBitmap ? readBytes(path, bitmapOffsetBytes, BITMAP_SUPERBLOCK_BYTES) : undefined;
  const bitmap = bitmapBytes === undefined ? undefined : parseBitmapSuperblock(bitmapBytes);
  const clusteredBitmap =
    bitmap !== undefined && bitmap.magic === BITMAP_MAGIC && bitmap.version === BITMAP_VERSION_CLUSTERED;
  if ((superblock.featureMap & FEATURE_CLUSTERED) === 0 && !clusteredBitmap) return undefined;
  return {
    setName: readFixedText(superblock.setName),
    dataOffsetBytes: Number(superblock.dataOffsetSectors) * SECTOR_BYTES,
    daemonSleepSeconds: clusteredBitmap ? bitmap.daemonSleepSeconds : DEFAULT_DAEMON_SLEEP_SECONDS,
  };
}

/** @returns undefined where the member ends before */
function readBytes(path: string, offsetBytes: number, lengthBytes: number): Buffer | undefined {
  const bytes = Buffer.alloc(lengthBytes);
  const descriptor = openSync(path, "r");
  try {
    return readSync(descriptor, bytes, 0, lengthBytes, offsetBytes) === lengthBytes ? bytes : undefined;
  } catch (error) {
    throw memberFailed({ path, action: "reading", offsetBytes, lengthBytes }, error);
  } finally {
    closeSync(descriptor);
  }
}
