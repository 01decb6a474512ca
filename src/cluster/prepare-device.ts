/**
 * Prepares a device that is about to join a running array (spec §6.2 step 1): all its slots first, then its superblock.
 *
 * Every slot is written, with what the array's other members hold there. mdadm 4.2 wrote slot 0 alone (golden/writes finding
 * 17), so that the new member's other slots were no bitmaps until their nodes came to write them; mdadm writes all since 2022.
 */
import { setImmediate } from "node:timers/promises";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  type MdSuperblock,
  serializeMdSuperblock,
} from "../ondisk/md-superblock.js";
import { SECTOR_BYTES, type SlotGeometry, slotSector, slotsEndSector } from "../ondisk/slot-geometry.js";
import type { MemberDevice } from "./array-storage.js";
import { SUPERBLOCK_OFFSET_BYTES } from "./metadata-reload.js";

const PIECE_BYTES = 1 << 20;

/**
 * @param device what the guard has let pass; whatever is on it goes
 * @param active a member in sync, whose slots are copied
 * @throws SlotmarkError kind `device`
 */
export async function prepareDevice(
  device: MemberDevice,
  superblock: MdSuperblock,
  geometry: SlotGeometry,
  active: MemberDevice,
): Promise<void> {
  eraseSuperblock(device);
  await copySlots(device, geometry, active);
  writeArea(device, serializeMdSuperblock(superblock), superblock.events);
}

/** All slots, as `active` has them. */
export async function copySlots(
  device: MemberDevice,
  geometry: SlotGeometry,
  active: MemberDevice,
): Promise<void> {
  const end = slotsEndSector(geometry) * SECTOR_BYTES;
  for (let at = slotSector(geometry, 0) * SECTOR_BYTES; at < end; at += PIECE_BYTES) {
    device.write(at, active.read(at, Math.min(PIECE_BYTES, end - at)), { kind: "copy" });
    // Slots of large arrays take a while, and other nodes may share this thread.
    await setImmediate();
  }
}

/** So that nobody takes it for a member: before its slots are whole, and after the array has refused it. */
export function eraseSuperblock(device: MemberDevice): void {
  writeArea(device, new Uint8Array(0), 0n);
}

/** The superblock's flush takes the slots written before with it. */
function writeArea(device: MemberDevice, bytes: Uint8Array, events: bigint): void {
  const area = new Uint8Array(MD_SUPERBLOCK_AREA_BYTES);
  area.set(bytes);
  device.write(SUPERBLOCK_OFFSET_BYTES, area, { kind: "superblock", events: Number(events) });
}
