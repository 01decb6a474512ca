/** Members for one benchmark: files on tmpfs where the machine has one, so that the device costs as little as it can, or on a disk. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillWhole } from "./fill-whole.js";

/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;
const SHARED_MEMORY = "/dev/shm";

export interface TemporaryMembers {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly onTmpfs: boolean;
  remove(): void;
}

export function makeSparseMembers(count: number, sizeBytes: number): TemporaryMembers {
  return makeMembers(count, sizeBytes, isTmpfs(SHARED_MEMORY));
}

/** In the temporary folder, every byte of them written, so that no sample pays for allocation. */
export function makeWrittenMembers(count: number, sizeBytes: number): TemporaryMembers {
  const members = makeMembers(count, sizeBytes, false);
  for (const path of members.paths) fillWhole(path, sizeBytes, 0x11);
  return members;
}

function makeMembers(count: number, sizeBytes: number, onTmpfs: boolean): TemporaryMembers {
  const folder = mkdtempSync(join(onTmpfs ? SHARED_MEMORY : tmpdir(), "slotmark-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const paths = Array.from({ length: count }, (_, member) => {
      const path = join(folder, `member${member}.img`);
      const descriptor = openSync(path, "wx");
      ftruncateSync(descriptor, sizeBytes);
      closeSync(descriptor);
      return path;
    });
    return { folder, paths, onTmpfs, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function isTmpfs(folder: string): boolean {
  try {
    return statfsSync(folder).type === TMPFS_MAGIC;
  } catch {
    return false;
  }
}
