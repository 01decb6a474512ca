/**
 * Whether a filesystem has room for what will be written, asked before anything is.
 */
import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SlotmarkError } from "../errors.js";

/** What a file will occupy beyond what it occupies now; `path` may be yet to be made. */
export interface SpaceNeed {
  readonly path: string;
  readonly neededBytes: number;
}

/**
 * @param needs those on one filesystem count together
 * @throws SlotmarkError `refused`/`no-space`
 */
export function refuseTooLittleSpace(needs: readonly SpaceNeed[]): void {
  const filesystems = new Map<number, SpaceNeed[]>();
  for (const need of needs) {
    const device = statSync(dirname(need.path)).dev;
    filesystems.set(device, [...(filesystems.get(device) ?? []), need]);
  }
  for (const group of filesystems.values()) {
    const directory = dirname(group[0]?.path ?? ".");
    const { bavail, bsize } = statfsSync(directory);
    const neededBytes = group.reduce((sum, need) => sum + need.neededBytes, 0);
    if (bavail * bsize < neededBytes) {
      throw noSpace(
        group.map(({ path }) => path).join(", "),
        `${neededBytes} bytes will be written there, but the filesystem of ${directory} has ${bavail * bsize} free`,
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
