/**
 * The md superblocks of an array that has lost members, as md writes them then (spec §5.6): those that are left name the lost ones
 * faulty and are a count of events ahead of them, so that no assembly takes a lost member for one that is in sync.
 */
import { closeSync, constants } from "node:fs";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  ROLE_FAULTY,
  serializeMdSuperblock,
  withChecksum,
} from "../ondisk/md-superblock.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { MemberFailed } from "./device-error.js";
import { flushDescriptor, openDirect, writeFullyAt } from "./direct-file.js";
import { directMemory } from "./direct-memory.js";

/** A member as its last superblock has it. */
export interface MarkedMember {
  readonly path: string;
  readonly logicalBlockBytes: number;
  readonly superblock: MdSuperblock;
}

/**
 * What a member's superblock says from now on. An array that runs in a cluster is never marked clean (md's super_1_sync).
 * @param lost the device numbers of all members that the array has lost
 */
export function degradedSuperblock(
  superblock: MdSuperblock,
  lost: readonly number[],
  events: number,
): MdSuperblock {
  return withChecksum({
    ...superblock,
    roles: superblock.roles.map((role, device) => (lost.includes(device) ? ROLE_FAULTY : role)),
    events: BigInt(events),
    utime: BigInt(Math.floor(Date.now() / 1000)),
    resyncOffset: 0n,
  });
}

/**
 * Writes the superblock of each member that is left, made durable one after another.
 * @returns those of `left` that failed at it, by their index, and how
 */
export function writeDegradedSuperblocks(
  left: readonly MarkedMember[],
  lost: readonly number[],
  events: number,
): { readonly index: number; readonly error: MemberFailed }[] {
  const area = directMemory(MD_SUPERBLOCK_AREA_BYTES);
  const failed: { index: number; error: MemberFailed }[] = [];
  for (const [index, member] of left.entries()) {
    const bytes = serializeMdSuperblock(degradedSuperblock(member.superblock, lost, events));
    area.fill(0);
    area.set(bytes);
    // No further than md writes: a bitmap may follow inside the area.
    const lengthBytes = Math.ceil(bytes.length / member.logicalBlockBytes) * member.logicalBlockBytes;
    try {
      writeDurably(member.path, area, lengthBytes);
    } catch (error) {
      if (!(error instanceof MemberFailed)) throw error;
      failed.push({ index, error });
    }
  }
  return failed;
}

function writeDurably(path: string, area: Uint8Array, lengthBytes: number): void {
  const { descriptor } = openDirect(path, constants.O_WRONLY | constants.O_DSYNC);
  try {
    flushDescriptor(path, descriptor);
    writeFullyAt(path, descriptor, area, 0, lengthBytes, MD_SUPERBLOCK_SECTOR * SECTOR_BYTES);
  } finally {
    closeSync(descriptor);
  }
}
