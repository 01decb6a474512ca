/**
 * What sysfs says about a block device: identity, limits, cache, and what is stacked on it. Read only.
 *
 * Source: Linux Documentation/ABI/stable/sysfs-block; an attribute that an older kernel lacks is left out.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SYSTEM_ROOTS, type SystemRoots } from "./system-roots.js";

/** sysfs counts sizes in these whatever the device's logical block is. */
const SYSFS_SECTOR_BYTES = 512;

export interface BlockDevice {
  /** Kernel name, for example `nvme0n1p2`. */
  readonly name: string;
  /** `major:minor`. */
  readonly number: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** Partition number and the disk that it lies on; absent for a whole device. */
  readonly partition?: { readonly number: number; readonly startBytes: number; readonly disk: BlockDevice };
  /** Kernel names of the partition nodes on a whole device. */
  readonly partitions: readonly string[];
  /** Devices stacked on this one (device mapper, md, bcache), by kernel name. */
  readonly holders: readonly string[];
  /** Devices that this one is stacked on. */
  readonly slaves: readonly string[];
  /** The name that device mapper gave, for example `vg0-home`. */
  readonly mapperName?: string;
  /** The file behind a loop device, as the kernel names it. */
  readonly loopBackingFile?: string;
  readonly model?: string;
  readonly vendor?: string;
  /** World-wide name, the same on every path to one disk. */
  readonly wwid?: string;
  /** The scheduler in force, for example `mq-deadline`. */
  readonly scheduler?: string;
  readonly writeCache?: string;
  readonly fua?: boolean;
  readonly rotational?: boolean;
  readonly logicalBlockBytes: number;
  readonly physicalBlockBytes: number;
  readonly minimumIoBytes: number;
  /** 0 where the device states none. */
  readonly optimalIoBytes: number;
  /** Largest discard; 0 where the device cannot discard. */
  readonly discardMaxBytes: number;
}

/** `major:minor` of a device number as `stat` gives it (glibc's makedev encoding). */
export function deviceNumber(rdev: number): string {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

/** @returns undefined where the kernel shows no such block device (a filesystem without one has such a number) */
export function readBlockDevice(number: string, roots: SystemRoots = SYSTEM_ROOTS): BlockDevice | undefined {
  const link = join(roots.sys, "dev/block", number);
  if (!existsSync(link)) return undefined;
  return readDirectory(realpathSync(link), number);
}

/** By kernel name, for example `dm-0`. */
export function readBlockDeviceByName(
  name: string,
  roots: SystemRoots = SYSTEM_ROOTS,
): BlockDevice | undefined {
  const link = join(roots.sys, "class/block", name);
  if (!existsSync(link)) return undefined;
  const directory = realpathSync(link);
  const number = attribute(directory, "dev");
  return number === undefined ? undefined : readDirectory(directory, number);
}

function readDirectory(directory: string, number: string): BlockDevice {
  const partitionNumber = attribute(directory, "partition");
  const diskDirectory = dirname(directory);
  const disk =
    partitionNumber === undefined
      ? undefined
      : readDirectory(diskDirectory, attribute(diskDirectory, "dev") ?? "");
  // A partition has no queue of its own.
  const queue = join(disk === undefined ? directory : diskDirectory, "queue");
  const hardware = disk === undefined ? directory : diskDirectory;
  const logicalBlockBytes = count(queue, "logical_block_size") ?? SYSFS_SECTOR_BYTES;
  return {
    name: basename(directory),
    number,
    sizeBytes: (count(directory, "size") ?? 0) * SYSFS_SECTOR_BYTES,
    readOnly: attribute(directory, "ro") === "1",
    ...(disk === undefined
      ? {}
      : {
          partition: {
            number: Number(partitionNumber),
            startBytes: (count(directory, "start") ?? 0) * SYSFS_SECTOR_BYTES,
            disk,
          },
        }),
    partitions: names(directory).filter((name) => existsSync(join(directory, name, "partition"))),
    holders: names(join(directory, "holders")),
    slaves: names(join(directory, "slaves")),
    ...present("mapperName", attribute(directory, "dm/name")),
    ...present("loopBackingFile", attribute(directory, "loop/backing_file")),
    ...present("model", attribute(hardware, "device/model")),
    ...present("vendor", attribute(hardware, "device/vendor")),
    ...present("wwid", attribute(hardware, "wwid") ?? attribute(hardware, "device/wwid")),
    ...present("scheduler", schedulerInForce(attribute(queue, "scheduler"))),
    ...present("writeCache", attribute(queue, "write_cache")),
    ...present("fua", flag(queue, "fua")),
    ...present("rotational", flag(queue, "rotational")),
    logicalBlockBytes,
    physicalBlockBytes: count(queue, "physical_block_size") ?? logicalBlockBytes,
    minimumIoBytes: count(queue, "minimum_io_size") ?? logicalBlockBytes,
    optimalIoBytes: count(queue, "optimal_io_size") ?? 0,
    discardMaxBytes: count(queue, "discard_max_bytes") ?? 0,
  };
}

function attribute(directory: string, name: string): string | undefined {
  try {
    const text = readFileSync(join(directory, name), "utf8").trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}

function count(directory: string, name: string): number | undefined {
  const text = attribute(directory, name);
  return text === undefined ? undefined : Number(text);
}

function flag(directory: string, name: string): boolean | undefined {
  const text = attribute(directory, name);
  return text === undefined ? undefined : text === "1";
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

/** `[mq-deadline] none` says that mq-deadline is in force. */
function schedulerInForce(list: string | undefined): string | undefined {
  return list === undefined ? undefined : (/\[(\S+)\]/.exec(list)?.[1] ?? list);
}
