/** Members for one benchmark: sparse files, on tmpfs where the machine has one, so that the device costs as little as it can. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS_MAGIC = 0x01021994;
const SHARED_MEMORY = "/dev/shm";

export interface SparseMembers {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly onTmpfs: boolean;
  remove(): void;
}

export function makeSparseMembers(count: number, sizeBytes: number): SparseMembers {
  const onTmpfs = isTmpfs(SHARED_MEMORY);
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
