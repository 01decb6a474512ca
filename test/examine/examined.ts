/** `examine --json` in this process, parsed. */
import { examineMembers } from "../../src/commands/examine.js";
import { examinationJson } from "../../src/commands/examine-json.js";

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

export async function examined(paths: readonly string[], check = false): Promise<MemberJson[]> {
  return JSON.parse([...examinationJson(await examineMembers(paths, check))].join(""));
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
