/**
 * Prepares a device that is about to join a running array: all its slots first, then its superblock.
 *
 * Every slot is written, with what the array's other members hold there. mdadm 4.2 wrote slot 0 alone (golden/writes finding
 * 17), so that the new member's other slots were no bitmaps until their nodes came to write them; mdadm writes all since 2022.
 */
import {
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  serializeMdSuperblock,
} from "../ondisk/md-superblock.js";
import { SECTOR_BYTES, type SlotGeometry, slotSector, slotsEndSector } from "../ondisk/slot-geometry.js";
import type { Member } from "./member.js";
import { openMemberSource, READ_BYTES_MAX, readWhole } from "./member-source.js";
import { flush, writeFully, writeZeros } from "./slot-writes.js";

const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;

/**
 * @param device what the guard has let pass; whatever is on it goes
 * @param activePath an active member, whose slots are copied
 * @throws SlotmarkError `device`/`member-failed`, `truncated`
 */
export async function writeAddedDevice(
  device: Member,
  superblock: MdSuperblock,
  geometry: SlotGeometry,
  activePath: string,
): Promise<void> {
  await eraseSuperblock(device);
  await copySlots(device, geometry, activePath);
  await flush(device);
  const area = new Uint8Array(MD_SUPERBLOCK_AREA_BYTES);
  area.set(serializeMdSuperblock(superblock));
  await writeFully(device, area, SUPERBLOCK_OFFSET_BYTES);
  await flush(device);
}

/** So that nobody takes it for a member: before its slots are whole, and after the array has refused it. */
export async function eraseSuperblock(device: Member): Promise<void> {
  await writeZeros(device, SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES);
  await flush(device);
}

async function copySlots(device: Member, geometry: SlotGeometry, activePath: string): Promise<void> {
  const source = await openMemberSource(activePath);
  try {
    const end = slotsEndSector(geometry) * SECTOR_BYTES;
    for (let at = slotSector(geometry, 0) * SECTOR_BYTES; at < end; at += READ_BYTES_MAX) {
      const piece = await readWhole(source, at, Math.min(READ_BYTES_MAX, end - at), "bitmap slots");
      await writeFully(device, piece, at);
    }
  } finally {
    await source.close();
  }
}
