/**
 * Looks among the paths that a node sees for the device of an array that carries a certain uuid: what udev's rule asks
 * blkid for (`UUID_SUB`, spec §6.2 step 4). Reads only.
 */
import { SlotmarkError } from "../errors.js";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  parseMdSuperblock,
} from "../ondisk/md-superblock.js";
import { checkMdSuperblock } from "../ondisk/md-superblock-check.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { openMemberSource, readWhole } from "../storage/member-source.js";

const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;

export interface DeviceOnPath {
  readonly path: string;
  readonly superblock: MdSuperblock;
  readonly sizeBytes: number;
}

/**
 * The device at `path`, its superblock checked as the kernel checks one that it imports.
 * @throws SlotmarkError `member-missing`, `member-unreadable`, `truncated`, or the code of the check that failed
 */
export async function readDevice(path: string): Promise<DeviceOnPath> {
  const source = await openMemberSource(path);
  try {
    const area = await readWhole(source, SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES, "md superblock");
    const bytes = area.slice();
    const superblock = parseMdSuperblock(bytes);
    checkMdSuperblock(bytes, superblock, {
      origin: { member: path, offsetBytes: SUPERBLOCK_OFFSET_BYTES },
      memberSectors: Math.floor(source.sizeBytes / SECTOR_BYTES),
      logicalBlockBytes: source.logicalBlockBytes,
    });
    return { path, superblock, sizeBytes: source.sizeBytes };
  } finally {
    await source.close();
  }
}

/**
 * The first of `paths` that holds the device of that array with that uuid, both 36 characters; null where none does. Paths
 * that are gone, cannot be read or hold something else are passed over: the others may be the one.
 */
export async function findDevice(
  paths: readonly string[],
  setUuid: string,
  deviceUuid: string,
): Promise<DeviceOnPath | null> {
  for (const path of paths) {
    const device = await deviceOrNull(path);
    if (device === null) continue;
    const { superblock } = device;
    if (uuidText(superblock.setUuid) === setUuid && uuidText(superblock.deviceUuid) === deviceUuid) {
      return device;
    }
  }
  return null;
}

async function deviceOrNull(path: string): Promise<DeviceOnPath | null> {
  try {
    return await readDevice(path);
  } catch (error) {
    if (error instanceof SlotmarkError) return null;
    throw error;
  }
}
