/** `examine --json` in this process, parsed. */
import { examineMembers } from "../../src/commands/examine.js";
import { examinationJson } from "../../src/commands/examine-json.js";
import { SlotmarkError } from "../../src/errors.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";

export interface SlotJson {
  slot: number;
  offsetBytes: number;
  events: number | string;
  eventsCleared: number | string;
  state: string[];
  dirtyChunks: number;
  dirtyRanges: [number, number][];
}

export interface BitmapJson {
  version: number;
  uuid: string;
  chunkBytes: number;
  chunks: number;
  daemonSleepSeconds: number;
  writeBehind: number;
  syncSizeSectors: number;
  nodes: number;
  clusterName: string;
  strideSectors: number;
  slots: SlotJson[];
}

export interface MemberJson {
  member: string;
  superblock: {
    majorVersion: number;
    minorVersion: number;
    featureMap: number;
    setUuid: string;
    setName: string;
    level: number;
    raidDisks: number;
    sizeSectors: number;
    superOffsetSectors: number;
    bitmapOffsetSectors: number;
    dataOffsetSectors: number;
    dataSizeSectors: number;
    deviceUuid: string;
    devNumber: number;
    roles: (number | string)[];
    events: number | string;
    resyncOffset: number | string;
    checksum: string;
    checksumValid: boolean;
  };
  bitmap: BitmapJson | null;
}

/** @param check the array has to be consistent; bits may be set in `heldSlots` */
export async function examined(
  paths: readonly string[],
  check = false,
  heldSlots: readonly number[] = [],
): Promise<MemberJson[]> {
  if (check) {
    const [violation] = (await checkConsistencyOf(paths, { heldSlots })).violations;
    if (violation !== undefined) {
      throw new SlotmarkError("input", violation.code, violation.message, violation.remedy);
    }
  }
  return JSON.parse([...examinationJson(await examineMembers(paths))].join(""));
}

/** The one member and its bitmap. */
export async function examinedOne(path: string): Promise<MemberJson & { bitmap: BitmapJson }> {
  const [member] = await examined([path]);
  if (member === undefined || member.bitmap === null) throw new Error(`${path} has no bitmap`);
  return { ...member, bitmap: member.bitmap };
}

/** Every dirty chunk, from the ranges. */
export function chunksOf(slot: SlotJson): number[] {
  return slot.dirtyRanges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}
