/** What sysfs says of a disk's request queue. `sysfs` is a parameter so that captured trees can be read as well. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BlockDeviceEnvironment } from "./environment-schema.js";

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").replaceAll("\0", "").trim() || null;
  } catch {
    return null;
  }
}

function readFlag(path: string): boolean | null {
  const text = readText(path);
  return text === null ? null : text !== "0";
}

function readPositive(path: string): number | null {
  const value = Number(readText(path) ?? Number.NaN);
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

/** `[mq-deadline] none` → `mq-deadline`; a queue without a choice shows a bare `none`. */
function chosen(text: string | null): string | null {
  return text === null ? null : (/\[([^\]]+)\]/.exec(text)?.[1] ?? text);
}

/**
 * @param device `major:minor`
 * @returns null where there is no block device of that number (tmpfs, overlayfs, btrfs subvolumes)
 */
export function readBlockQueue(device: string, sysfs = "/sys"): BlockDeviceEnvironment | null {
  const link = join(sysfs, "dev/block", device);
  if (!existsSync(link)) return null;
  const folder = realpathSync(link);
  const disk = existsSync(join(folder, "partition")) ? dirname(folder) : folder;
  const queue = join(disk, "queue");
  return {
    name: basename(disk),
    model: readText(join(disk, "device/model")),
    rotational: readFlag(join(queue, "rotational")),
    scheduler: chosen(readText(join(queue, "scheduler"))),
    writeCache: readText(join(queue, "write_cache")),
    fua: readFlag(join(queue, "fua")),
    logicalBlockBytes: readPositive(join(queue, "logical_block_size")),
    physicalBlockBytes: readPositive(join(queue, "physical_block_size")),
    backingFile: readText(join(disk, "loop/backing_file")),
  };
}
