/**
 * What a path given as a member is, before it is opened: absent, a regular file or a block device. Everything else is
 * refused, without opening it (opening a fifo would block, a character device might act).
 */
import { lstatSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SlotmarkError } from "../errors.js";
import { type BlockDevice, deviceNumber, readBlockDevice } from "./block-device.js";
import { errnoCode, errnoText } from "./device-error.js";
import { destroyRemedy, refusedMember } from "./refusal.js";
import type { SystemRoots } from "./system-roots.js";

interface CandidateBase {
  /** As the user gave it. */
  readonly path: string;
  /** Whether `--destroy` repeats the path. */
  readonly destroy: boolean;
}
export type MemberCandidate =
  | (CandidateBase & { readonly kind: "absent"; readonly realPath: string })
  | (CandidateBase & { readonly kind: "file"; readonly realPath: string; readonly stat: Stats })
  | (CandidateBase & {
      readonly kind: "block";
      readonly realPath: string;
      readonly rdev: number;
      readonly device: BlockDevice;
    });

export function memberCandidate(path: string, destroy: boolean, roots: SystemRoots): MemberCandidate {
  const stat = statOrAbsent(path);
  if (stat === undefined) return { path, destroy, kind: "absent", realPath: absentRealPath(path) };
  const realPath = realpathSync(path);
  if (stat.isFile()) return { path, destroy, kind: "file", realPath, stat };
  if (stat.isBlockDevice()) {
    const device = readBlockDevice(deviceNumber(stat.rdev), roots);
    if (device === undefined) {
      throw refusedMember(
        "member-unknown-device",
        path,
        `is block device ${deviceNumber(stat.rdev)}, which ${roots.sys} does not show, so nothing about its use is known`,
        "choose a device that the kernel knows (lsblk), or mount sysfs",
      );
    }
    return { path, destroy, kind: "block", realPath, rdev: stat.rdev, device };
  }
  const what = stat.isDirectory()
    ? "a directory"
    : stat.isCharacterDevice()
      ? "a character device"
      : stat.isFIFO()
        ? "a fifo"
        : "a socket";
  throw refusedMember(
    "member-not-storage",
    path,
    `is ${what}, neither a regular file nor a block device`,
    "name a file (it is made when absent) or a block device",
  );
}

/** Refuses a device that takes no bytes at all; no option overrides that. */
export function refuseUnwritableDevice(path: string, device: BlockDevice): void {
  if (device.sizeBytes === 0) {
    throw refusedMember("member-empty-device", path, "has no size", "attach or load the device first");
  }
  if (device.readOnly) {
    throw refusedMember(
      "member-read-only",
      path,
      "is read-only",
      `choose another, or blockdev --setrw ${path}`,
    );
  }
}

/** O_EXCL and signatures both miss a partition table whose nodes the kernel shows but whose bytes are gone. */
export function refusePartitionNodes(candidate: MemberCandidate & { kind: "block" }): void {
  const { path, destroy, device } = candidate;
  if (destroy || device.partitions.length === 0) return;
  throw refusedMember(
    "member-partitioned",
    path,
    `is the whole of a partitioned disk (${device.partitions.join(", ")})`,
    destroyRemedy(path),
  );
}

function statOrAbsent(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (errnoCode(error) !== "ENOENT") throw unreachable(path, error);
  }
  let link: Stats;
  try {
    link = lstatSync(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw unreachable(path, error);
  }
  if (!link.isSymbolicLink()) return undefined; // made in this moment; opening it decides
  throw refusedMember(
    "member-dangling-link",
    path,
    "is a symbolic link that leads nowhere",
    "remove the link, or name the file itself",
  );
}

function absentRealPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw unreachable(path, error);
  }
}

function unreachable(path: string, error: unknown): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "member-unreachable",
    `member ${path} cannot be looked at: ${errnoText(error)}`,
    "correct the path, or run as a user who may open it",
  );
}
