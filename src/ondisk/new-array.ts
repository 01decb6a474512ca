/**
 * The superblocks that mdadm writes for a new clustered array, field by field (golden/geometry `.raw` images). Pure.
 */
import { type ArrayLevel, LAYOUT_NEAR_2 } from "./array-size.js";
import {
  BITMAP_MAGIC,
  BITMAP_VERSION_CLUSTERED,
  type BitmapSuperblock,
  CLUSTER_NAME_BYTES,
} from "./bitmap-superblock.js";
import { writeFixedText } from "./fixed-text.js";
import {
  FEATURE_BITMAP_OFFSET,
  FEATURE_CLUSTERED,
  MAX_SECTOR,
  MD_MAGIC,
  MD_SUPERBLOCK_HEAD_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  mdSuperblockBytes,
  ROLE_FAULTY,
  ROLE_SPARE,
  withChecksum,
} from "./md-superblock.js";
import { BITMAP_OFFSET_SECTORS, type Placement } from "./mdadm-placement.js";

const SET_NAME_BYTES = 32;
export const DAEMON_SLEEP_SECONDS = 5;
/** mdadm rounds the superblock up to this and fills it with roles. */
const SUPERBLOCK_ROUNDING_BYTES = 512;

export interface NewArray {
  readonly placement: Placement;
  readonly level: ArrayLevel;
  readonly raidDisks: number;
  /** Device numbers whose places stay empty: they are faulty from the beginning. */
  readonly faultyDevices: readonly number[];
  readonly nodes: number;
  readonly clusterName: string;
  readonly setUuid: Uint8Array;
  readonly setName: string;
  readonly createdSeconds: number;
  readonly assumeClean: boolean;
  readonly daemonSleepSeconds: number;
}

/** The md superblock of member `device`, whose length is `memberSectors`. */
export function newMdSuperblock(
  array: NewArray,
  device: number,
  deviceUuid: Uint8Array,
  memberSectors: number,
): MdSuperblock {
  const { placement } = array;
  const superblockBytes =
    Math.ceil(mdSuperblockBytes(array.raidDisks) / SUPERBLOCK_ROUNDING_BYTES) * SUPERBLOCK_ROUNDING_BYTES;
  const maxDev = (superblockBytes - MD_SUPERBLOCK_HEAD_BYTES) / 2;
  const created = BigInt(array.createdSeconds);
  return withChecksum({
    magic: MD_MAGIC,
    majorVersion: 1,
    featureMap: FEATURE_BITMAP_OFFSET | FEATURE_CLUSTERED,
    pad0: 0,
    setUuid: array.setUuid,
    // The last byte stays NUL.
    setName: writeFixedText(array.setName, SET_NAME_BYTES).fill(0, SET_NAME_BYTES - 1),
    ctime: created,
    level: array.level,
    layout: array.level === 10 ? LAYOUT_NEAR_2 : 0,
    sizeSectors: BigInt(placement.componentSectors),
    chunkSectors: placement.raidChunkSectors,
    raidDisks: array.raidDisks,
    bitmapOffsetSectors: BITMAP_OFFSET_SECTORS,
    newLevel: 0,
    reshapePosition: 0n,
    deltaDisks: 0,
    newLayout: 0,
    newChunkSectors: 0,
    newOffsetSectors: 0,
    dataOffsetSectors: BigInt(placement.dataOffsetSectors),
    dataSizeSectors: BigInt(memberSectors - placement.dataOffsetSectors),
    superOffsetSectors: BigInt(MD_SUPERBLOCK_SECTOR),
    recoveryOffset: 0n,
    devNumber: device,
    correctedReads: 0,
    deviceUuid,
    deviceFlags: 0,
    badBlockLogShift: 0,
    // A bad-block log knows no cluster (spec §1.1).
    badBlockLogSectors: 0,
    badBlockLogOffsetSectors: 0,
    utime: created,
    events: 0n,
    resyncOffset: array.assumeClean ? MAX_SECTOR : 0n,
    checksum: 0,
    maxDev,
    pad3: new Uint8Array(32),
    roles: Array.from({ length: maxDev }, (_, number) => roleOf(array, number)),
  });
}

function roleOf({ raidDisks, faultyDevices }: NewArray, device: number): number {
  if (faultyDevices.includes(device)) return ROLE_FAULTY;
  return device < raidDisks ? device : ROLE_SPARE;
}

/** The bitmap superblock, the same in every slot of every member. */
export function newBitmapSuperblock(array: NewArray): BitmapSuperblock {
  return {
    magic: BITMAP_MAGIC,
    version: BITMAP_VERSION_CLUSTERED,
    uuid: array.setUuid,
    events: 0n,
    eventsCleared: 0n,
    syncSizeSectors: BigInt(array.placement.syncSizeSectors),
    state: 0,
    chunkBytes: array.placement.chunkBytes,
    daemonSleepSeconds: array.daemonSleepSeconds,
    writeBehind: 0,
    sectorsReserved: 0,
    nodes: array.nodes,
    clusterName: writeFixedText(array.clusterName, CLUSTER_NAME_BYTES).fill(0, CLUSTER_NAME_BYTES - 1),
    pad: new Uint8Array(120),
  };
}
