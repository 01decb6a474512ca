/**
 * The superblock at the start of each slot's bitmap: bytes ⇄ values, nothing judged. Spec §1.2 (kernel md-bitmap.h).
 */
import { BITMAP_SUPERBLOCK_BYTES } from "./slot-geometry.js";
import { UUID_BYTES } from "./uuid.js";

/** "bitm" in little-endian. */
export const BITMAP_MAGIC = 0x6d746962;
export const BITMAP_VERSION_CLUSTERED = 5;
export const BITMAP_VERSION_LOWEST = 3;
export const WRITE_BEHIND_MAX = 16383;
export const CLUSTER_NAME_BYTES = 64;

/** Byte offset of each field within the bitmap superblock. */
export const BITMAP_FIELD = {
  magic: 0,
  version: 4,
  uuid: 8,
  events: 24,
  events_cleared: 32,
  sync_size: 40,
  state: 48,
  chunksize: 52,
  daemon_sleep: 56,
  write_behind: 60,
  sectors_reserved: 64,
  nodes: 68,
  cluster_name: 72,
  pad: 136,
} as const;

export interface BitmapSuperblock {
  readonly magic: number;
  readonly version: number;
  readonly uuid: Uint8Array;
  readonly events: bigint;
  readonly eventsCleared: bigint;
  readonly syncSizeSectors: bigint;
  readonly state: number;
  readonly chunkBytes: number;
  readonly daemonSleepSeconds: number;
  readonly writeBehind: number;
  readonly sectorsReserved: number;
  readonly nodes: number;
  /** 64 bytes, NUL-padded; `fixed-text.ts` reads them. */
  readonly clusterName: Uint8Array;
  readonly pad: Uint8Array;
}

/** @param bytes at least 256 bytes */
export function parseBitmapSuperblock(bytes: Uint8Array): BitmapSuperblock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, true);
  const u64 = (at: number) => view.getBigUint64(at, true);
  return {
    magic: u32(BITMAP_FIELD.magic),
    version: u32(BITMAP_FIELD.version),
    uuid: bytes.slice(BITMAP_FIELD.uuid, BITMAP_FIELD.uuid + UUID_BYTES),
    events: u64(BITMAP_FIELD.events),
    eventsCleared: u64(BITMAP_FIELD.events_cleared),
    syncSizeSectors: u64(BITMAP_FIELD.sync_size),
    state: u32(BITMAP_FIELD.state),
    chunkBytes: u32(BITMAP_FIELD.chunksize),
    daemonSleepSeconds: u32(BITMAP_FIELD.daemon_sleep),
    writeBehind: u32(BITMAP_FIELD.write_behind),
    sectorsReserved: u32(BITMAP_FIELD.sectors_reserved),
    nodes: u32(BITMAP_FIELD.nodes),
    clusterName: bytes.slice(BITMAP_FIELD.cluster_name, BITMAP_FIELD.pad),
    pad: bytes.slice(BITMAP_FIELD.pad, BITMAP_SUPERBLOCK_BYTES),
  };
}

export function serializeBitmapSuperblock(superblock: BitmapSuperblock): Uint8Array {
  const bytes = new Uint8Array(BITMAP_SUPERBLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: bigint) => view.setBigUint64(at, value, true);
  u32(BITMAP_FIELD.magic, superblock.magic);
  u32(BITMAP_FIELD.version, superblock.version);
  bytes.set(superblock.uuid, BITMAP_FIELD.uuid);
  u64(BITMAP_FIELD.events, superblock.events);
  u64(BITMAP_FIELD.events_cleared, superblock.eventsCleared);
  u64(BITMAP_FIELD.sync_size, superblock.syncSizeSectors);
  u32(BITMAP_FIELD.state, superblock.state);
  u32(BITMAP_FIELD.chunksize, superblock.chunkBytes);
  u32(BITMAP_FIELD.daemon_sleep, superblock.daemonSleepSeconds);
  u32(BITMAP_FIELD.write_behind, superblock.writeBehind);
  u32(BITMAP_FIELD.sectors_reserved, superblock.sectorsReserved);
  u32(BITMAP_FIELD.nodes, superblock.nodes);
  bytes.set(superblock.clusterName, BITMAP_FIELD.cluster_name);
  bytes.set(superblock.pad, BITMAP_FIELD.pad);
  return bytes;
}

const STATE_NAMES: readonly (readonly [number, string])[] = [
  [1, "stale"],
  [2, "writeError"],
  [3, "firstUse"],
  [4, "clean"],
  [5, "daemonBusy"],
  [15, "hostEndian"],
];

/** Names of the bits set in `state`, in order of the bits; `bitN` where the kernel has no name (spec §1.2). */
export function stateNames(state: number): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if (Math.floor(state / 2 ** bit) % 2 === 0) continue;
    names.push(STATE_NAMES.find(([known]) => known === bit)?.[1] ?? `bit${bit}`);
  }
  return names;
}
