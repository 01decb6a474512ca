/**
 * A clustered array on open members: made as mdadm makes it, taken from what is on the members, or set back to clean.
 *
 * Making is as close to all or nothing as separate devices allow: old superblocks go first, then all slots are written
 * and flushed, the new superblocks come last; a failure takes back those already written.
 */
import { SlotmarkError } from "../errors.js";
import type { BitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import { readFixedText } from "../ondisk/fixed-text.js";
import {
  MD_MAGIC,
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  parseMdSuperblock,
  serializeMdSuperblock,
} from "../ondisk/md-superblock.js";
import { BITMAP_OFFSET_SECTORS, type Placement } from "../ondisk/mdadm-placement.js";
import { newBitmapSuperblock, newMdSuperblock } from "../ondisk/new-array.js";
import { SECTOR_BYTES, type SlotGeometry, slotGeometry, slotsEndSector } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { isDegraded } from "./array-places.js";
import { type CreateArrayOptions, planArray } from "./create-options.js";
import { degradedSuperblock } from "./degraded-superblocks.js";
import type { Member } from "./member.js";
import { type MemberMetadata, readMemberMetadata } from "./member-metadata.js";
import { type MemberSource, openMemberSource } from "./member-source.js";
import { checkMembersAgree, requireAllMembers } from "./members-agree.js";
import { flush, writeFully, writeSlots, writeZeros } from "./slot-writes.js";
import { wipe } from "./wipe.js";

export type { CreateArrayOptions } from "./create-options.js";

const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;

export interface ClusteredArray {
  /** In the order in which they were given. */
  readonly members: readonly Member[];
  readonly level: number;
  readonly setUuid: string;
  readonly setName: string;
  readonly clusterName: string;
  /** The array's event count, from the md superblock. */
  readonly events: number;
  /** A place of the array has no member that is in sync. */
  readonly degraded: boolean;
  readonly daemonSleepSeconds: number;
  /** Sectors of each member that the array uses; `geometry.syncSizeSectors` is the array's own size. */
  readonly componentSectors: number;
  /** Start of each member's data, in the order of `members`; mdadm may give each its own. */
  readonly dataOffsetBytes: readonly number[];
  readonly superblocks: readonly MdSuperblock[];
  /** As in slot 0 of the first member; all slots agree but for events, events_cleared and state. */
  readonly bitmapSuperblock: BitmapSuperblock;
  /** Holds for every member: the largest block sizes and the lowest data offset among them; variant `safe`. */
  readonly geometry: SlotGeometry;
}

/**
 * Makes a new array on `members`, whatever is on them: the guard has asked.
 * @throws SlotmarkError: what `placeArray` refuses, `uuid-invalid`, `device-uuid-count`, `duplicate-device-uuid`,
 * `cluster-name-too-long`, `name-too-long`, `time-invalid`, `daemon-sleep-invalid`; `device`/`member-failed`
 */
export async function createArray(
  members: readonly Member[],
  options: CreateArrayOptions = {},
): Promise<ClusteredArray> {
  const { array, devices } = planArray(members, options);
  const bitmapSuperblock = newBitmapSuperblock(array);
  const geometry = geometryOf(array.placement, array.nodes, members);
  const { signal } = options;
  signal?.throwIfAborted();
  for (const member of members) {
    if (!member.created && (options.wipe ?? []).includes(member.path)) {
      await wipe(member, geometry.dataOffsetSectors * SECTOR_BYTES);
    }
    await writeZeros(member, SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES);
    await flush(member);
  }
  for (const member of members) {
    const sparse = (options.sparse ?? false) && member.created;
    await writeSlots(member, geometry, bitmapSuperblock, { firstSlotOnes: true, sparse, signal });
    await flush(member);
  }
  signal?.throwIfAborted();
  const superblocks: MdSuperblock[] = [];
  try {
    for (const { member, deviceNumber, deviceUuid, sizeSectors } of devices) {
      const superblock = newMdSuperblock(array, deviceNumber, deviceUuid, sizeSectors);
      superblocks.push(superblock);
      await writeSuperblock(member, superblock);
    }
  } catch (error) {
    await Promise.allSettled(
      members.map((member) => writeZeros(member, SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES)),
    );
    throw error;
  }
  return clusteredArray(members, superblocks, bitmapSuperblock, geometry);
}

async function writeSuperblock(member: Member, superblock: MdSuperblock): Promise<void> {
  const area = new Uint8Array(MD_SUPERBLOCK_AREA_BYTES);
  area.set(serializeMdSuperblock(superblock));
  await writeFully(member, area, SUPERBLOCK_OFFSET_BYTES);
  await flush(member);
}

/**
 * Takes the array that is on `members`, one that slotmark or the real mdadm made.
 * @returns undefined where no member carries an md superblock
 * @throws SlotmarkError: what is invalid on a member; `different-arrays`, `inconsistent`; `array-not-clustered`;
 * `member-not-in-array` for one without a superblock among others; `members-incomplete` where active members are not named
 */
export async function readArray(members: readonly Member[]): Promise<ClusteredArray | undefined> {
  const found: MemberMetadata[] = [];
  const without: string[] = [];
  for (const member of members) {
    const source = await openMemberSource(member.path);
    try {
      if (await carriesSuperblock(source)) found.push(await readMemberMetadata(source, false));
      else without.push(member.path);
    } finally {
      await source.close();
    }
  }
  const first = found[0];
  if (first === undefined) return undefined;
  if (without[0] !== undefined) {
    throw new SlotmarkError(
      "input",
      "member-not-in-array",
      `${without[0]} carries no md superblock, but ${first.origin.member} is a member of array ${uuidText(first.superblock.setUuid)}`,
      "name members of one array only, or blank ones only",
    );
  }
  checkMembersAgree(found);
  const bitmaps = found.map((metadata) => clusteredBitmap(metadata));
  requireAllMembers(found);
  const firstSlot = bitmaps[0]?.slots[0];
  const geometry = bitmaps[0]?.geometry;
  if (firstSlot === undefined || geometry === undefined) throw new Error("an array without slots");
  const superblocks = found.map(({ superblock }) => superblock);
  return clusteredArray(
    members,
    superblocks,
    firstSlot.superblock,
    slotGeometry({
      ...geometry,
      superOffsetSectors: MD_SUPERBLOCK_SECTOR,
      bitmapOffsetSectors: geometry.firstSlotSector - MD_SUPERBLOCK_SECTOR,
      dataOffsetSectors: Math.min(...superblocks.map(({ dataOffsetSectors }) => Number(dataOffsetSectors))),
      ...blockSizes(members),
    }),
  );
}

/**
 * Zeroes every slot on every member: no chunk is dirty, all superblocks match, events and events_cleared are the array's
 * event count. Writes every byte of the slots, and of the places where `geometry` looks for them besides.
 * @param geometry the array's under the behaviour that will be run (`geometryUnder`)
 * @throws SlotmarkError `device`/`member-failed`
 */
export async function resetSlots(
  array: ClusteredArray,
  geometry: SlotGeometry = array.geometry,
): Promise<void> {
  const events = BigInt(array.events);
  const superblock = { ...array.bitmapSuperblock, events, eventsCleared: events, state: 0 };
  const behind = slotsEndSector(array.geometry) * SECTOR_BYTES;
  const besides = slotsEndSector(geometry) * SECTOR_BYTES - behind;
  for (const member of array.members) {
    await writeSlots(member, array.geometry, superblock, { firstSlotOnes: false, sparse: false });
    if (besides > 0) await writeZeros(member, behind, besides);
    await flush(member);
  }
}

/**
 * The array when it has lost members and their superblocks say so (`writeDegradedSuperblocks`).
 * @param lost the paths of those that fail now
 */
export function degradedArray(
  array: ClusteredArray,
  lost: readonly string[],
  events: number,
): ClusteredArray {
  const left = array.members.flatMap((member, index) => {
    const superblock = array.superblocks[index];
    const dataOffsetBytes = array.dataOffsetBytes[index];
    if (superblock === undefined || dataOffsetBytes === undefined || lost.includes(member.path)) return [];
    return [{ member, superblock, dataOffsetBytes }];
  });
  const devices = devicesOf(array, lost);
  return {
    ...array,
    members: left.map(({ member }) => member),
    superblocks: left.map(({ superblock }) => degradedSuperblock(superblock, devices, events)),
    dataOffsetBytes: left.map(({ dataOffsetBytes }) => dataOffsetBytes),
    events,
    degraded: true,
  };
}

/** Device numbers of members, by their paths. */
export function devicesOf({ members, superblocks }: ClusteredArray, paths: readonly string[]): number[] {
  return superblocks.flatMap(({ devNumber }, index) =>
    paths.includes(members[index]?.path ?? "") ? [devNumber] : [],
  );
}

function geometryOf(placement: Placement, nodes: number, members: readonly Member[]): SlotGeometry {
  return slotGeometry({
    syncSizeSectors: placement.syncSizeSectors,
    chunkBytes: placement.chunkBytes,
    nodes,
    superOffsetSectors: MD_SUPERBLOCK_SECTOR,
    bitmapOffsetSectors: BITMAP_OFFSET_SECTORS,
    dataOffsetSectors: placement.dataOffsetSectors,
    ...blockSizes(members),
  });
}

function blockSizes(members: readonly Member[]): { logicalBlockBytes: number; optimalIoBytes: number } {
  return {
    logicalBlockBytes: Math.max(...members.map((member) => member.logicalBlockBytes)),
    optimalIoBytes: Math.max(...members.map((member) => member.optimalIoBytes)),
  };
}

function clusteredArray(
  members: readonly Member[],
  superblocks: readonly MdSuperblock[],
  bitmapSuperblock: BitmapSuperblock,
  geometry: SlotGeometry,
): ClusteredArray {
  const first = superblocks[0];
  if (first === undefined) throw new Error("an array without members");
  return {
    members,
    level: first.level,
    setUuid: uuidText(first.setUuid),
    setName: readFixedText(first.setName),
    clusterName: readFixedText(bitmapSuperblock.clusterName),
    events: Math.max(...superblocks.map((superblock) => Number(superblock.events))),
    degraded: isDegraded(superblocks),
    daemonSleepSeconds: bitmapSuperblock.daemonSleepSeconds,
    componentSectors: Number(first.sizeSectors),
    dataOffsetBytes: superblocks.map(({ dataOffsetSectors }) => Number(dataOffsetSectors) * SECTOR_BYTES),
    superblocks,
    bitmapSuperblock,
    geometry,
  };
}

function clusteredBitmap({ origin, superblock, bitmap }: MemberMetadata) {
  if (bitmap !== null && bitmap.geometry.nodes > 0) return bitmap;
  throw new SlotmarkError(
    "input",
    "array-not-clustered",
    `${origin.member} is a member of array ${uuidText(superblock.setUuid)}, which has ${bitmap === null ? "no bitmap" : "a bitmap without a cluster"}`,
    "name members of an array with --bitmap=clustered, or make one with slotmark create",
  );
}

async function carriesSuperblock(source: MemberSource): Promise<boolean> {
  const area = await source.readAt(SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES);
  return area.length === MD_SUPERBLOCK_AREA_BYTES && parseMdSuperblock(area).magic === MD_MAGIC;
}
