/** What the places can do that a run would write to: files, block devices, and folders for files that are yet to be made. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SlotmarkError } from "../errors.js";
import { errnoText } from "../storage/device-error.js";
import { openMembers } from "../storage/open-members.js";
import type { Check } from "./check.js";
import type { BlockDeviceEnvironment, MemberEnvironment } from "./environment-schema.js";

const GIB = 1024 ** 3;

/** @param neededBytes what a run with default settings takes at most in that folder */
export async function memberChecks(member: MemberEnvironment, neededBytes: number): Promise<Check[]> {
  const { path } = member;
  // As for the guard, an empty file is one that is yet to be made.
  const isThere = existsSync(path) && !isEmptyFile(path);
  const usable = isThere ? await guardCheck(path) : folderCheck(path);
  if (usable.status === "impossible") return [usable];
  return [
    usable,
    directIoCheck(path, isThere),
    ...(isThere ? [] : [freeSpaceCheck(path, neededBytes)]),
    ...deviceChecks(member),
  ];
}

function isEmptyFile(path: string): boolean {
  const stat = statSync(path);
  return stat.isFile() && stat.size === 0;
}

/** The guard of a run, without its watch: it reads, writes nothing, and lets go again. */
async function guardCheck(path: string): Promise<Check> {
  const check = { name: "member", subject: path };
  try {
    const members = await openMembers({ paths: [path], destroy: [], watch: false, existingArray: "keep" });
    for (const member of members) member.close();
    return {
      ...check,
      status: "ok",
      found: "the guard lets it pass (not watched for use by another host)",
      remedy: null,
    };
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
    return { ...check, status: "impossible", found: error.message, remedy: error.remedy };
  }
}

function folderCheck(path: string): Check {
  const folder = dirname(resolve(path));
  const check = { name: "member", subject: path };
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return { ...check, status: "ok", found: `can be made in ${folder}`, remedy: null };
  } catch (error) {
    return {
      ...check,
      status: "impossible",
      found: `cannot be made in ${folder}: ${errnoText(error)}`,
      remedy: "Name a folder that exists and that you may write to.",
    };
  }
}

/** Opens what is there for reading; for what is not, a file of its own in the same folder, which goes again. */
function directIoCheck(path: string, isThere: boolean): Check {
  const check = { name: "O_DIRECT", subject: path };
  const folder = dirname(resolve(path));
  try {
    if (isThere) closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECT));
    else {
      const own = mkdtempSync(join(folder, ".slotmark-doctor-"));
      try {
        closeSync(
          openSync(join(own, "file"), constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT, 0o600),
        );
      } finally {
        rmSync(own, { recursive: true, force: true });
      }
    }
    return { ...check, status: "ok", found: "a file was opened with it", remedy: null };
  } catch (error) {
    return {
      ...check,
      status: "warning",
      found: `not here (${errnoText(error)}): writes would go through the page cache`,
      remedy: "Put members on a filesystem with O_DIRECT (ext4, xfs) or on a block device.",
    };
  }
}

function freeSpaceCheck(path: string, neededBytes: number): Check {
  const folder = dirname(resolve(path));
  const check = { name: "free space", subject: folder };
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const found = `${(freeBytes / GIB).toFixed(1)} GiB`;
  if (freeBytes >= neededBytes) return { ...check, status: "ok", found, remedy: null };
  return {
    ...check,
    status: "impossible",
    found: `${found}, but the suite quick takes up to ${(neededBytes / GIB).toFixed(1)} GiB`,
    remedy: "Free space there, choose a smaller --size, or put the members elsewhere.",
  };
}

/** What the device under a member does to its writes. */
export function deviceChecks({ path, device, filesystem }: MemberEnvironment): Check[] {
  if (device === null) {
    const where = filesystem === null ? "a filesystem unknown" : filesystem.type;
    return [
      {
        name: "device",
        subject: path,
        status: "warning",
        found: `none under ${where}: figures say nothing about a disk`,
        remedy: "Put members on a disk's filesystem or on a block device.",
      },
    ];
  }
  const at = { subject: device.name };
  const queueing = device.scheduler === "bfq" || device.scheduler === "kyber";
  return [
    { ...at, name: "FUA", ...fuaOf(device), remedy: null },
    {
      ...at,
      name: "write cache",
      status: device.writeCache === null ? "note" : "ok",
      found: device.writeCache ?? "the kernel does not say",
      remedy: null,
    },
    {
      ...at,
      name: "scheduler",
      status: queueing ? "warning" : device.scheduler === null ? "note" : "ok",
      found: queueing
        ? `${device.scheduler}: it reorders and delays writes by its own rules`
        : (device.scheduler ?? "the kernel does not say"),
      remedy: queueing ? `Run echo none > /sys/block/${device.name}/queue/scheduler.` : null,
    },
  ];
}

/** How the kernel makes a bitmap page durable there: by the write itself, by a flush after it, or without either. */
function fuaOf({ fua, writeCache }: BlockDeviceEnvironment): Pick<Check, "status" | "found"> {
  if (writeCache === "write through")
    return { status: "ok", found: "not needed: the device keeps nothing in a volatile cache" };
  if (fua === null) return { status: "note", found: "the kernel does not say" };
  if (fua) return { status: "ok", found: "the device writes through its cache on demand" };
  return { status: "note", found: "not offered: the kernel flushes the whole cache after such a write" };
}
