/**
 * `examine --json`: keys and forms are an interface (cli.md). Comes in pieces, for the ranges of a large slot may be
 * longer than one string can be.
 */
import { type BitmapSuperblock, stateNames } from "../ondisk/bitmap-superblock.js";
import { readFixedText } from "../ondisk/fixed-text.js";
import {
  MAX_SECTOR,
  type MdSuperblock,
  ROLE_FAULTY,
  ROLE_JOURNAL,
  ROLE_SPARE,
} from "../ondisk/md-superblock.js";
import { SECTOR_BYTES, slotSector } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import type { MemberBitmap } from "../storage/member-bitmap.js";
import type { ChunkRanges } from "./chunk-ranges.js";
import type { ExaminedMember, ExaminedSlot } from "./examined-member.js";

const RANGES_IN_A_PIECE = 4096;

export function* examinationJson(members: readonly ExaminedMember[]): Generator<string> {
  yield "[";
  for (const [index, { metadata, slots }] of members.entries()) {
    const { origin, superblock, bitmap } = metadata;
    yield `${index === 0 ? "\n" : ",\n"}{ "member": ${JSON.stringify(origin.member)},\n`;
    yield `  "superblock": ${JSON.stringify(superblockJson(superblock))},\n  "bitmap": `;
    if (bitmap === null) yield "null";
    else yield* bitmapJson(bitmap, slots);
    yield " }";
  }
  yield "\n]\n";
}

function* bitmapJson(bitmap: MemberBitmap, slots: readonly ExaminedSlot[]): Generator<string> {
  const first = bitmap.slots[0];
  if (first === undefined) return;
  yield `${open(bitmapHeadJson(first.superblock, bitmap))},\n    "slots": [`;
  for (const [index, { slot, superblock }] of bitmap.slots.entries()) {
    const bits = slots[index];
    if (bits === undefined) continue;
    const head = {
      slot,
      offsetBytes: slotSector(bitmap.geometry, slot) * SECTOR_BYTES,
      events: wide(superblock.events),
      eventsCleared: wide(superblock.eventsCleared),
      state: stateNames(superblock.state),
      dirtyChunks: bits.dirtyChunks,
    };
    yield `${index === 0 ? "\n" : ",\n"}      ${open(head)},"dirtyRanges":[`;
    yield* rangesJson(bits.ranges);
    yield "]}";
  }
  yield "\n    ] }";
}

function* rangesJson(ranges: ChunkRanges): Generator<string> {
  for (let from = 0; from < ranges.length; from += RANGES_IN_A_PIECE) {
    const piece = JSON.stringify([...ranges.slice(from, RANGES_IN_A_PIECE)]).slice(1, -1);
    yield from === 0 ? piece : `,${piece}`;
  }
}

export function superblockJson(superblock: MdSuperblock) {
  return {
    majorVersion: superblock.majorVersion,
    minorVersion: 2,
    featureMap: superblock.featureMap,
    setUuid: uuidText(superblock.setUuid),
    setName: readFixedText(superblock.setName),
    level: superblock.level,
    raidDisks: superblock.raidDisks,
    sizeSectors: wide(superblock.sizeSectors),
    superOffsetSectors: wide(superblock.superOffsetSectors),
    bitmapOffsetSectors: superblock.bitmapOffsetSectors,
    dataOffsetSectors: wide(superblock.dataOffsetSectors),
    dataSizeSectors: wide(superblock.dataSizeSectors),
    deviceUuid: uuidText(superblock.deviceUuid),
    devNumber: superblock.devNumber,
    roles: roleNames(superblock.roles),
    events: wide(superblock.events),
    resyncOffset: superblock.resyncOffset === MAX_SECTOR ? "none" : wide(superblock.resyncOffset),
    checksum: superblock.checksum.toString(16).padStart(8, "0"),
    // A superblock with another checksum is refused before it is printed.
    checksumValid: true,
  };
}

function bitmapHeadJson(superblock: BitmapSuperblock, { geometry }: MemberBitmap) {
  return {
    version: superblock.version,
    uuid: uuidText(superblock.uuid),
    chunkBytes: superblock.chunkBytes,
    chunks: geometry.chunks,
    daemonSleepSeconds: superblock.daemonSleepSeconds,
    writeBehind: superblock.writeBehind,
    syncSizeSectors: wide(superblock.syncSizeSectors),
    nodes: superblock.nodes,
    clusterName: readFixedText(superblock.clusterName),
    strideSectors: geometry.strideSectors,
  };
}

/** By device number, without the spares behind the last device that has another role. */
export function roleNames(roles: readonly number[]): (number | string)[] {
  const names: Record<number, string> = {
    [ROLE_SPARE]: "spare",
    [ROLE_FAULTY]: "faulty",
    [ROLE_JOURNAL]: "journal",
  };
  return roles
    .slice(0, roles.findLastIndex((role) => role !== ROLE_SPARE) + 1)
    .map((role) => names[role] ?? role);
}

/** JSON numbers are exact up to 2^53; what lies beyond is written as a string. */
function wide(value: bigint): number | string {
  return value <= 2n ** 53n ? Number(value) : value.toString();
}

/** An object's JSON without its closing brace, for more keys to follow. */
function open(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}
