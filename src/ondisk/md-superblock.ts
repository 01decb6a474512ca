/**
 * The md superblock, version 1.x: bytes ⇄ values, nothing judged. Spec §1.1 (kernel include/uapi/linux/raid/md_p.h).
 *
 * Every byte of the head has its field, so that what is parsed and written again is the same; little-endian throughout.
 * 64-bit fields are bigint: a damaged one may hold anything.
 */
import { UUID_BYTES } from "./uuid.js";

export const MD_MAGIC = 0xa92b4efc;
export const MD_SUPERBLOCK_HEAD_BYTES = 256;
/** All that the kernel reads; the head and two bytes for each of at most 1920 devices. */
export const MD_SUPERBLOCK_AREA_BYTES = 4096;
export const MD_MAX_DEVICES = (MD_SUPERBLOCK_AREA_BYTES - MD_SUPERBLOCK_HEAD_BYTES) / 2;
/** Version 1.2 lies 4 KiB from the member's start; clustered arrays know no other place. */
export const MD_SUPERBLOCK_SECTOR = 8;
/** `resync_offset` of an array in sync. */
export const MAX_SECTOR = 0xffff_ffff_ffff_ffffn;

export const FEATURE_BITMAP_OFFSET = 1;
export const FEATURE_RECOVERY_OFFSET = 2;
export const FEATURE_RESHAPE_ACTIVE = 4;
export const FEATURE_NEW_OFFSET = 64;
/** With RECOVERY_OFFSET: a device that comes back, and lacks only what the bitmap says. */
export const FEATURE_RECOVERY_BITMAP = 128;
export const FEATURE_CLUSTERED = 256;
export const FEATURE_JOURNAL = 512;
export const FEATURE_RAID0_LAYOUT = 4096;
/** All feature bits that the kernel knows (spec §1.1). */
export const FEATURES_KNOWN = 0x1fff;

export const ROLE_SPARE = 0xffff;
export const ROLE_FAULTY = 0xfffe;
export const ROLE_JOURNAL = 0xfffd;

/** Byte offset of each field within the superblock. */
export const MD_FIELD = {
  magic: 0,
  major_version: 4,
  feature_map: 8,
  pad0: 12,
  set_uuid: 16,
  set_name: 32,
  ctime: 64,
  level: 72,
  layout: 76,
  size: 80,
  chunksize: 88,
  raid_disks: 92,
  bitmap_offset: 96,
  new_level: 100,
  reshape_position: 104,
  delta_disks: 112,
  new_layout: 116,
  new_chunk: 120,
  new_offset: 124,
  data_offset: 128,
  data_size: 136,
  super_offset: 144,
  recovery_offset: 152,
  dev_number: 160,
  cnt_corrected_read: 164,
  device_uuid: 168,
  devflags: 184,
  bblog_shift: 185,
  bblog_size: 186,
  bblog_offset: 188,
  utime: 192,
  events: 200,
  resync_offset: 208,
  sb_csum: 216,
  max_dev: 220,
  pad3: 224,
  dev_roles: 256,
} as const;

const SET_NAME_BYTES = 32;

export interface MdSuperblock {
  readonly magic: number;
  readonly majorVersion: number;
  readonly featureMap: number;
  readonly pad0: number;
  readonly setUuid: Uint8Array;
  /** 32 bytes, NUL-padded; `fixed-text.ts` reads them. */
  readonly setName: Uint8Array;
  /** Low 40 bits seconds, high 24 bits microseconds. */
  readonly ctime: bigint;
  readonly level: number;
  readonly layout: number;
  /** Sectors of each member that the array uses. */
  readonly sizeSectors: bigint;
  /** The raid chunk, not the bitmap's. */
  readonly chunkSectors: number;
  readonly raidDisks: number;
  /** Signed, relative to the superblock. */
  readonly bitmapOffsetSectors: number;
  readonly newLevel: number;
  readonly reshapePosition: bigint;
  readonly deltaDisks: number;
  readonly newLayout: number;
  readonly newChunkSectors: number;
  readonly newOffsetSectors: number;
  readonly dataOffsetSectors: bigint;
  /** Sectors of this member behind `dataOffsetSectors`. */
  readonly dataSizeSectors: bigint;
  readonly superOffsetSectors: bigint;
  readonly recoveryOffset: bigint;
  readonly devNumber: number;
  readonly correctedReads: number;
  readonly deviceUuid: Uint8Array;
  readonly deviceFlags: number;
  readonly badBlockLogShift: number;
  readonly badBlockLogSectors: number;
  readonly badBlockLogOffsetSectors: number;
  readonly utime: bigint;
  readonly events: bigint;
  readonly resyncOffset: bigint;
  readonly checksum: number;
  readonly maxDev: number;
  readonly pad3: Uint8Array;
  /** By device number; as many as `maxDev` says and the area holds. */
  readonly roles: readonly number[];
}

/** @param bytes the superblock from its first byte, at least the 256-byte head; roles beyond `bytes` are left out */
export function parseMdSuperblock(bytes: Uint8Array): MdSuperblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, true);
  const i32 = (at: number) => view.getInt32(at, true);
  const u64 = (at: number) => view.getBigUint64(at, true);
  const maxDev = u32(MD_FIELD.max_dev);
  const readableRoles = Math.min(maxDev, MD_MAX_DEVICES, Math.floor((bytes.length - MD_FIELD.dev_roles) / 2));
  return {
    magic: u32(MD_FIELD.magic),
    majorVersion: u32(MD_FIELD.major_version),
    featureMap: u32(MD_FIELD.feature_map),
    pad0: u32(MD_FIELD.pad0),
    setUuid: bytes.slice(MD_FIELD.set_uuid, MD_FIELD.set_uuid + UUID_BYTES),
    setName: bytes.slice(MD_FIELD.set_name, MD_FIELD.set_name + SET_NAME_BYTES),
    ctime: u64(MD_FIELD.ctime),
    level: i32(MD_FIELD.level),
    layout: u32(MD_FIELD.layout),
    sizeSectors: u64(MD_FIELD.size),
    chunkSectors: u32(MD_FIELD.chunksize),
    raidDisks: u32(MD_FIELD.raid_disks),
    bitmapOffsetSectors: i32(MD_FIELD.bitmap_offset),
    newLevel: u32(MD_FIELD.new_level),
    reshapePosition: u64(MD_FIELD.reshape_position),
    deltaDisks: i32(MD_FIELD.delta_disks),
    newLayout: u32(MD_FIELD.new_layout),
    newChunkSectors: u32(MD_FIELD.new_chunk),
    newOffsetSectors: i32(MD_FIELD.new_offset),
    dataOffsetSectors: u64(MD_FIELD.data_offset),
    dataSizeSectors: u64(MD_FIELD.data_size),
    superOffsetSectors: u64(MD_FIELD.super_offset),
    recoveryOffset: u64(MD_FIELD.recovery_offset),
    devNumber: u32(MD_FIELD.dev_number),
    correctedReads: u32(MD_FIELD.cnt_corrected_read),
    deviceUuid: bytes.slice(MD_FIELD.device_uuid, MD_FIELD.device_uuid + UUID_BYTES),
    deviceFlags: view.getUint8(MD_FIELD.devflags),
    badBlockLogShift: view.getUint8(MD_FIELD.bblog_shift),
    badBlockLogSectors: view.getUint16(MD_FIELD.bblog_size, true),
    badBlockLogOffsetSectors: i32(MD_FIELD.bblog_offset),
    utime: u64(MD_FIELD.utime),
    events: u64(MD_FIELD.events),
    resyncOffset: u64(MD_FIELD.resync_offset),
    checksum: u32(MD_FIELD.sb_csum),
    maxDev,
    pad3: bytes.slice(MD_FIELD.pad3, MD_FIELD.dev_roles),
    roles: Array.from({ length: readableRoles }, (_, device) =>
      view.getUint16(MD_FIELD.dev_roles + device * 2, true),
    ),
  };
}

/** Head and roles, 256 + 2 × roles bytes, with the checksum that `superblock` holds. */
export function serializeMdSuperblock(superblock: MdSuperblock): Uint8Array {
  const bytes = new Uint8Array(mdSuperblockBytes(superblock.roles.length));
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: bigint) => view.setBigUint64(at, value, true);
  u32(MD_FIELD.magic, superblock.magic);
  u32(MD_FIELD.major_version, superblock.majorVersion);
  u32(MD_FIELD.feature_map, superblock.featureMap);
  u32(MD_FIELD.pad0, superblock.pad0);
  bytes.set(superblock.setUuid, MD_FIELD.set_uuid);
  bytes.set(superblock.setName, MD_FIELD.set_name);
  u64(MD_FIELD.ctime, superblock.ctime);
  u32(MD_FIELD.level, superblock.level);
  u32(MD_FIELD.layout, superblock.layout);
  u64(MD_FIELD.size, superblock.sizeSectors);
  u32(MD_FIELD.chunksize, superblock.chunkSectors);
  u32(MD_FIELD.raid_disks, superblock.raidDisks);
  u32(MD_FIELD.bitmap_offset, superblock.bitmapOffsetSectors);
  u32(MD_FIELD.new_level, superblock.newLevel);
  u64(MD_FIELD.reshape_position, superblock.reshapePosition);
  u32(MD_FIELD.delta_disks, superblock.deltaDisks);
  u32(MD_FIELD.new_layout, superblock.newLayout);
  u32(MD_FIELD.new_chunk, superblock.newChunkSectors);
  u32(MD_FIELD.new_offset, superblock.newOffsetSectors);
  u64(MD_FIELD.data_offset, superblock.dataOffsetSectors);
  u64(MD_FIELD.data_size, superblock.dataSizeSectors);
  u64(MD_FIELD.super_offset, superblock.superOffsetSectors);
  u64(MD_FIELD.recovery_offset, superblock.recoveryOffset);
  u32(MD_FIELD.dev_number, superblock.devNumber);
  u32(MD_FIELD.cnt_corrected_read, superblock.correctedReads);
  bytes.set(superblock.deviceUuid, MD_FIELD.device_uuid);
  view.setUint8(MD_FIELD.devflags, superblock.deviceFlags);
  view.setUint8(MD_FIELD.bblog_shift, superblock.badBlockLogShift);
  view.setUint16(MD_FIELD.bblog_size, superblock.badBlockLogSectors, true);
  u32(MD_FIELD.bblog_offset, superblock.badBlockLogOffsetSectors);
  u64(MD_FIELD.utime, superblock.utime);
  u64(MD_FIELD.events, superblock.events);
  u64(MD_FIELD.resync_offset, superblock.resyncOffset);
  u32(MD_FIELD.sb_csum, superblock.checksum);
  u32(MD_FIELD.max_dev, superblock.maxDev);
  bytes.set(superblock.pad3, MD_FIELD.pad3);
  for (const [device, role] of superblock.roles.entries()) {
    view.setUint16(MD_FIELD.dev_roles + device * 2, role, true);
  }
  return bytes;
}

/** Length of the checksummed part for so many roles. */
export function mdSuperblockBytes(roles: number): number {
  return MD_SUPERBLOCK_HEAD_BYTES + roles * 2;
}

/**
 * `sb_csum` as it must be: the sum of all 32-bit words with the field itself as 0, a last half word added as such, high
 * half added to the low half once (spec §1.1).
 * @param bytes head and roles; what lies behind `max_dev` roles does not count
 */
export function mdChecksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = mdSuperblockBytes(view.getUint32(MD_FIELD.max_dev, true));
  let sum = -view.getUint32(MD_FIELD.sb_csum, true);
  let at = 0;
  for (; at + 4 <= length; at += 4) sum += view.getUint32(at, true);
  if (at < length) sum += view.getUint16(at, true);
  // At most 1024 words of 32 bits: exact in a double.
  return ((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) % 2 ** 32;
}

/** The same superblock with the checksum that belongs to it. */
export function withChecksum(superblock: MdSuperblock): MdSuperblock {
  return { ...superblock, checksum: mdChecksum(serializeMdSuperblock(superblock)) };
}
