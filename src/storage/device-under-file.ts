/**
 * The filesystem that a file lies on and the block device under that. A file's limits are its device's limits.
 */
import { realpathSync, statSync } from "node:fs";
import { type BlockDevice, deviceNumber, readBlockDevice } from "./block-device.js";
import { type Mount, mountUnder, namedDeviceNumber, readMounts } from "./mount-table.js";
import { SYSTEM_ROOTS, type SystemRoots } from "./system-roots.js";

export interface FileGround {
  readonly mount: Mount | undefined;
  /** Undefined for tmpfs, network filesystems and the like. */
  readonly device: BlockDevice | undefined;
}

/** @param path an existing file or directory */
export function deviceUnderFile(path: string, roots: SystemRoots = SYSTEM_ROOTS): FileGround {
  const number = deviceNumber(statSync(path).dev);
  const mount = mountUnder(realpathSync(path), readMounts(roots));
  // btrfs and overlayfs have device numbers of their own; btrfs names its (first) device as the mount's source.
  const sourceNumber = mount === undefined ? undefined : namedDeviceNumber(mount.source, roots);
  const device =
    readBlockDevice(number, roots) ??
    (sourceNumber === undefined ? undefined : readBlockDevice(sourceNumber, roots));
  return { mount, device };
}
