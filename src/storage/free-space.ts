/**
 * Whether a filesystem has room for what will be written, asked before anything is.
 */
import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SlotmarkError } from "../errors.js";

/**
 * @param paths files that do not exist yet; those on one filesystem count together
 * @throws SlotmarkError `refused`/`no-space`
 */
export function refuseTooLittleSpace(paths: readonly string[], usedBytesEach: number): void {
  const filesystems = new Map<number, string[]>();
  for (const path of paths) {
    const device = statSync(dirname(path)).dev;
    filesystems.set(device, [...(filesystems.get(device) ?? []), path]);
  }
  for (const group of filesystems.values()) {
    const directory = dirname(group[0] ?? ".");
    const { bavail, bsize } = statfsSync(directory);
    const neededBytes = group.length * usedBytesEach;
    if (bavail * bsize < neededBytes) {
      throw noSpace(
        group.join(", "),
        `${group.length} × ${usedBytesEach} bytes will be written, but the filesystem of ${directory} has ${bavail * bsize} free`,
      );
    }
  }
}

export function noSpace(path: string, reason: string): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "no-space",
    `member ${path}: too little space: ${reason}`,
    "free space there, choose a smaller --size, or put the members elsewhere",
  );
}
