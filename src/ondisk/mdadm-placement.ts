/**
 * Where mdadm puts the parts of a new clustered array, which bitmap chunk it chooses, and what it refuses. Pure.
 *
 * Source: spec §2.3 (mdadm super1.c `choose_bm_space`, `validate_geometry1`, `add_internal_bitmap1`, `write_bitmap1`,
 * Create.c). Level 1 agrees with the golden images; level 10 has no golden image.
 */
import { SlotmarkError } from "../errors.js";
import { type ArrayLevel, LAYOUT_NEAR_2, mdadmSyncSizeSectors } from "./array-size.js";
import { isPowerOfTwo } from "./bitmap-superblock-check.js";
import { MD_MAX_DEVICES, MD_SUPERBLOCK_SECTOR } from "./md-superblock.js";
import {
  BITMAP_SUPERBLOCK_BYTES,
  CHUNK_BYTES_MAX,
  NODES_MAX,
  PAGE_SECTORS,
  SECTOR_BYTES,
  slotGeometry,
} from "./slot-geometry.js";

export const DEFAULT_NODES = 4;
/** The bitmap begins 4 KiB behind the superblock. */
export const BITMAP_OFFSET_SECTORS = 8;
export const RAID10_CHUNK_KIB = 512;
/** Level 1 sizes are whole multiples of this, so that a later reshape finds a chunk. */
const LEVEL1_ROUNDING_KIB = 64;
const DEFAULT_CHUNK_BYTES = 64 * 1024 * 1024;
const MDADM_CHUNK_BYTES_MIN = 4096;
const KERNEL_CHUNK_BYTES_MIN = 512;
const MIB_SECTORS = 2048;
const HEADROOM_MAX_SECTORS = 128 * MIB_SECTORS;
const MEMBER_MIN_SECTORS = 24;

/** Sectors that mdadm keeps for one slot of a device, or of an array, of that size. Not multiplied by nodes. */
export function bitmapRoomSectors(sizeSectors: number): number {
  if (sizeSectors < 128) return 0;
  if (sizeSectors - 128 >= 200 * 1024 * MIB_SECTORS) return 256;
  if (sizeSectors - 8 > 8 * 1024 * MIB_SECTORS) return 128;
  return 8;
}

/** Start of the data on every member, from the size of the first one. `raidChunkKib` is 0 for level 1. */
export function dataOffsetSectors(memberSectors: number, raidChunkKib: number): number {
  let headroom = HEADROOM_MAX_SECTORS;
  while (
    headroom * 1024 > memberSectors &&
    (raidChunkKib === 0 || Math.floor(headroom / 2) >= raidChunkKib * 4)
  ) {
    headroom = Math.floor(headroom / 2);
  }
  return roundUp(24 + bitmapRoomSectors(memberSectors) + headroom, MIB_SECTORS);
}

/** Smallest bitmap chunk whose bits fit the room that mdadm keeps. `syncSizeSectors` is the array's size on raid10. */
export function minimumChunkBytes(componentSectors: number, syncSizeSectors: number): number {
  const roomBits = (bitmapRoomSectors(componentSectors) * SECTOR_BYTES - BITMAP_SUPERBLOCK_BYTES) * 8;
  let chunkBytes = MDADM_CHUNK_BYTES_MIN;
  let bits = Math.floor((syncSizeSectors * SECTOR_BYTES) / MDADM_CHUNK_BYTES_MIN) + 1;
  while (bits > roomBits) {
    chunkBytes *= 2;
    bits = Math.floor((bits + 1) / 2);
  }
  return chunkBytes;
}

export interface PlacementRequest {
  /** Length of every member in order, with a name for messages. */
  readonly members: readonly { readonly path: string; readonly sizeSectors: number }[];
  /** Default: a place for each member. */
  readonly raidDisks?: number | undefined;
  readonly level: ArrayLevel;
  readonly nodes: number;
  readonly chunkBytes: number | "default";
  /** Chunks under mdadm's minimum, and a data offset behind all slots. */
  readonly beyondMdadm: boolean;
}

export interface Placement {
  readonly chunkBytes: number;
  readonly dataOffsetSectors: number;
  /** Sectors of each member that the array uses. */
  readonly componentSectors: number;
  readonly syncSizeSectors: number;
  readonly raidChunkSectors: number;
}

/**
 * @throws SlotmarkError: `level-unsupported`, `too-few-members`, `too-many-members`, `too-few-nodes`, `too-many-nodes`,
 * `chunk-not-power-of-two`, `chunk-too-large`, `chunk-too-small`, `member-too-small`, `nodes-exceed-space`
 */
export function placeArray(request: PlacementRequest): Placement {
  const { members, level, nodes, chunkBytes: requestedChunk, beyondMdadm } = request;
  requireCombination(request);
  const raidChunkKib = level === 10 ? RAID10_CHUNK_KIB : 0;
  const first = members[0]?.sizeSectors ?? 0;
  const room = (offset: number) => componentSectorsBehind(offset, request, raidChunkKib);
  const sync = (component: number) =>
    mdadmSyncSizeSectors({
      level,
      layout: level === 10 ? LAYOUT_NEAR_2 : 0,
      raidDisks: request.raidDisks ?? members.length,
      componentSectors: component,
      raidChunkSectors: raidChunkKib * 2,
    });

  let offset = dataOffsetSectors(first, raidChunkKib);
  let component = room(offset);
  const minimum = minimumChunkBytes(component, sync(component));
  const chunkBytes = requestedChunk === "default" ? Math.max(minimum, DEFAULT_CHUNK_BYTES) : requestedChunk;
  if (chunkBytes < minimum && !beyondMdadm) {
    throw new SlotmarkError(
      "usage",
      "chunk-too-small",
      `the bitmap chunk of ${chunkBytes} bytes is below ${minimum}, mdadm's minimum for an array of ${sync(component)} sectors`,
      `choose --chunk ${minimum / 1024}K or more, or --beyond-mdadm`,
    );
  }
  const end = (component: number) =>
    MD_SUPERBLOCK_SECTOR + BITMAP_OFFSET_SECTORS + nodes * slotSectors(sync(component), chunkBytes);
  if (beyondMdadm && end(component) > offset) {
    // A larger offset leaves less to cover, never more: what fits before fits after.
    offset = roundUp(end(component), MIB_SECTORS);
    component = room(offset);
  }
  if (end(component) > offset) {
    const most = Math.floor(
      (offset - MD_SUPERBLOCK_SECTOR - BITMAP_OFFSET_SECTORS) / slotSectors(sync(component), chunkBytes),
    );
    throw new SlotmarkError(
      "usage",
      "nodes-exceed-space",
      `the slots of ${nodes} nodes do not fit before the data offset, sector ${offset}: at most ${most} do`,
      "choose fewer nodes or a larger chunk, or --beyond-mdadm, which moves the data offset",
    );
  }
  return {
    chunkBytes,
    dataOffsetSectors: offset,
    componentSectors: component,
    syncSizeSectors: sync(component),
    raidChunkSectors: raidChunkKib * 2,
  };
}

function requireCombination({ members, raidDisks, level, nodes, chunkBytes }: PlacementRequest): void {
  const refuse = (code: string, message: string, remedy: string): never => {
    throw new SlotmarkError("usage", code, message, remedy);
  };
  if (level !== 1 && level !== 10) {
    refuse(
      "level-unsupported",
      `level ${level} has no clustered bitmap`,
      "choose --level 1, or 10 (near layout)",
    );
  }
  if ((raidDisks ?? members.length) < 2) {
    refuse(
      "too-few-members",
      `an array of level ${level} needs at least two members, not ${members.length}`,
      "name two or more members",
    );
  }
  if (members.length > MD_MAX_DEVICES) {
    refuse(
      "too-many-members",
      `${members.length} members are more than the ${MD_MAX_DEVICES} that a superblock lists`,
      "name fewer members",
    );
  }
  if (!Number.isInteger(nodes) || nodes < 2) {
    refuse(
      "too-few-nodes",
      `a clustered array needs at least two nodes, not ${nodes}`,
      "choose --nodes 2 to 64",
    );
  }
  if (nodes > NODES_MAX) {
    refuse(
      "too-many-nodes",
      `${nodes} nodes are more than the ${NODES_MAX} that md can recover`,
      `choose --nodes 2 to ${NODES_MAX}`,
    );
  }
  if (chunkBytes === "default") return;
  if (!isPowerOfTwo(chunkBytes) || chunkBytes < KERNEL_CHUNK_BYTES_MIN) {
    refuse(
      "chunk-not-power-of-two",
      `the bitmap chunk of ${chunkBytes} bytes is no power of two of at least ${KERNEL_CHUNK_BYTES_MIN} bytes`,
      "choose a power of two such as 64K, 4M or 64M",
    );
  }
  if (chunkBytes > CHUNK_BYTES_MAX) {
    refuse(
      "chunk-too-large",
      `the bitmap chunk of ${chunkBytes} bytes is above ${CHUNK_BYTES_MAX}, the largest that the superblock holds`,
      "choose a smaller chunk such as 64M",
    );
  }
}

/** What the smallest member offers behind the data offset, rounded as mdadm does. */
function componentSectorsBehind(offset: number, request: PlacementRequest, raidChunkKib: number): number {
  const roundingKib = raidChunkKib === 0 ? LEVEL1_ROUNDING_KIB : raidChunkKib;
  let smallest = Number.POSITIVE_INFINITY;
  for (const { path, sizeSectors } of request.members) {
    const kib = Math.floor((sizeSectors - offset) / 2);
    const component = Math.floor(kib / roundingKib) * roundingKib * 2;
    if (sizeSectors < MEMBER_MIN_SECTORS || component <= 0) {
      throw new SlotmarkError(
        "input",
        "member-too-small",
        `member ${path} has ${sizeSectors * SECTOR_BYTES} bytes: no room for data behind its metadata, which needs ${offset * SECTOR_BYTES} bytes and at least ${roundingKib} KiB of data after it`,
        "use a larger member (--size); fewer nodes or a larger chunk need less metadata",
      );
    }
    smallest = Math.min(smallest, component);
  }
  return smallest;
}

function slotSectors(syncSizeSectors: number, chunkBytes: number): number {
  const { pagesPerSlot } = slotGeometry({
    syncSizeSectors,
    chunkBytes,
    nodes: 1,
    superOffsetSectors: MD_SUPERBLOCK_SECTOR,
    bitmapOffsetSectors: BITMAP_OFFSET_SECTORS,
    dataOffsetSectors: 0,
    logicalBlockBytes: SECTOR_BYTES,
  });
  return pagesPerSlot * PAGE_SECTORS;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
