/**
 * The md superblock of a device that joins a running array as a spare, as mdadm's `--add` writes it (mdadm super1.c
 * `add_to_super1`, `write_init_super1`). Pure.
 */
import { SlotmarkError } from "../errors.js";
import {
  FEATURE_BITMAP_OFFSET,
  FEATURE_CLUSTERED,
  type MdSuperblock,
  ROLE_SPARE,
  withChecksum,
} from "./md-superblock.js";
import { SECTOR_BYTES } from "./slot-geometry.js";

export interface AddedDevice {
  /** Its place in the roles of every superblock, for as long as it belongs to the array. */
  readonly number: number;
  readonly deviceUuid: Uint8Array;
  /** For messages. */
  readonly path: string;
  /** Length of the whole device. */
  readonly deviceSectors: number;
}

/**
 * @param array the superblock of an active member, as it is now
 * @throws SlotmarkError `device-number-too-high`, `device-too-small`
 */
export function addedDeviceSuperblock(array: MdSuperblock, device: AddedDevice): MdSuperblock {
  const { number, deviceUuid, path, deviceSectors } = device;
  if (number >= array.roles.length) {
    throw new SlotmarkError(
      "refused",
      "device-number-too-high",
      `${path} would be device ${number}, but the array's superblocks have room for ${array.roles.length} devices`,
      "remove devices that are faulty or not needed, whose numbers then are free",
    );
  }
  const dataSizeSectors = BigInt(deviceSectors) - array.dataOffsetSectors;
  if (dataSizeSectors < array.sizeSectors) {
    const needed = (array.dataOffsetSectors + array.sizeSectors) * BigInt(SECTOR_BYTES);
    throw new SlotmarkError(
      "input",
      "device-too-small",
      `${path} has ${deviceSectors * SECTOR_BYTES} bytes, too few for this array, which needs ${needed}`,
      "choose a device at least as large as the array's other members",
    );
  }
  return withChecksum({
    ...array,
    featureMap: array.featureMap & (FEATURE_BITMAP_OFFSET | FEATURE_CLUSTERED),
    dataSizeSectors,
    recoveryOffset: 0n,
    devNumber: number,
    correctedReads: 0,
    deviceUuid,
    deviceFlags: 0,
    roles: array.roles.map((role, device) => (device === number ? ROLE_SPARE : role)),
  });
}
