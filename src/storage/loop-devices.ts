/**
 * Loop devices and what they stand on. A file behind one is in use although no process need have it open.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { deviceNumber, readBlockDeviceByName } from "./block-device.js";
import { SYSTEM_ROOTS, type SystemRoots } from "./system-roots.js";

export interface LoopDevice {
  readonly name: string;
  readonly number: string;
  readonly backingFile: string;
  /** Identity of what lies behind it, as `fileIdentity` gives it; undefined where the path leads nowhere now. */
  readonly backing: string | undefined;
}

export function readLoopDevices(roots: SystemRoots = SYSTEM_ROOTS): LoopDevice[] {
  const loops: LoopDevice[] = [];
  for (const name of readdirSync(join(roots.sys, "block"))) {
    if (!name.startsWith("loop")) continue;
    const device = readBlockDeviceByName(name, roots);
    if (device?.loopBackingFile === undefined) continue;
    loops.push({
      name,
      number: device.number,
      backingFile: device.loopBackingFile,
      backing: fileIdentity(device.loopBackingFile),
    });
  }
  return loops;
}

export function loopNode(name: string): string {
  return `/dev/${name}`;
}

/**
 * What two names of one thing have in common: `block:7:0` for a block device, `file:DEV:INODE` for a regular file.
 * @returns undefined where nothing is there
 */
export function fileIdentity(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true });
    return stat.isBlockDevice() ? `block:${deviceNumber(Number(stat.rdev))}` : `file:${stat.dev}:${stat.ino}`;
  } catch {
    return undefined;
  }
}
