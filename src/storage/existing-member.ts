/**
 * One member that exists already: the checks that need it alone, and its opening. Opening writes nothing.
 */
import { closeSync, constants, existsSync, fstatSync, openSync } from "node:fs";
import { SlotmarkError } from "../errors.js";
import { type ClusteredSuperblock, readClusteredSuperblock } from "./clustered-superblock.js";
import { errnoCode, errnoText } from "./device-error.js";
import { usesOfDevice } from "./device-use.js";
import { processesWithFileOpen, usesOfFile } from "./file-use.js";
import { type MemberCandidate, refusePartitionNodes, refuseUnwritableDevice } from "./member-candidate.js";
import { refuseContents } from "./member-contents.js";
import { isOpenElsewhere } from "./native.js";
import { refusedMember } from "./refusal.js";
import type { SystemRoots } from "./system-roots.js";

export type PresentCandidate = MemberCandidate & { kind: "file" | "block" };

export interface ExistingMember {
  readonly candidate: PresentCandidate;
  readonly descriptor: number;
  /** The clustered array found on it. */
  readonly array: ClusteredSuperblock | undefined;
}

const STOP_THE_USE = "stop that use first; --destroy does not override it";

/** @returns the member open for reading and writing; O_EXCL on a block device */
export function openExistingMember(
  candidate: PresentCandidate,
  existingArray: "keep" | "refuse",
  roots: SystemRoots,
): ExistingMember {
  const { path } = candidate;
  refuseUses(candidate, roots);
  if (candidate.kind === "block") {
    refuseUnwritableDevice(path, candidate.device);
    refusePartitionNodes(candidate);
  }
  const descriptor = openExclusively(candidate);
  try {
    refuseExchanged(candidate, descriptor);
    const array = readClusteredSuperblock(path);
    refuseContents(candidate, array, existingArray);
    return { candidate, descriptor, array };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Mounted, swap, held, behind a loop device. Runs before anything opens the member. */
export function refuseUses(candidate: PresentCandidate, roots: SystemRoots): void {
  const uses =
    candidate.kind === "block"
      ? usesOfDevice(candidate.device, roots)
      : usesOfFile(candidate.realPath, roots);
  const first = uses[0];
  if (first === undefined) return;
  const texts = uses.map(({ text }) => text).join("; ");
  throw refusedMember(`member-${first.kind}`, candidate.path, `is in use: ${texts}`, STOP_THE_USE);
}

/**
 * A process that has the member open: a file at all, a block device (or the file behind a loop device) for writing.
 * Readers of devices are left alone: udev, smartd and multipathd are always there.
 */
export function refuseOpenElsewhere({ candidate, descriptor }: ExistingMember, roots: SystemRoots): void {
  const { path, realPath } = candidate;
  const under = candidate.kind === "block" ? candidate.device.loopBackingFile : undefined;
  const processes = processesWithFileOpen(realPath, roots).concat(
    under === undefined || !existsSync(under) ? [] : processesWithFileOpen(under, roots),
  );
  const using = processes.filter(({ writing }) => writing || candidate.kind === "file");
  if (using.length === 0) {
    if (candidate.kind === "file" && leaseIsRefused(descriptor)) {
      throw refusedMember(
        "member-open",
        path,
        "is in use: something that /proc does not show has it open (mapped memory, the kernel, or another namespace)",
        STOP_THE_USE,
      );
    }
    return;
  }
  const list = using.map(({ processId, command }) => `${processId} (${command})`).join(", ");
  throw refusedMember("member-open", path, `is in use: open in process ${list}`, STOP_THE_USE);
}

/** Asks the kernel rather than /proc; a filesystem without leases (NFS, 9p) leaves it at /proc's answer. */
function leaseIsRefused(descriptor: number): boolean {
  try {
    return isOpenElsewhere(descriptor);
  } catch (error) {
    if (error instanceof SlotmarkError) throw error; // the addon is missing: set-up is incomplete
    return false;
  }
}

function openExclusively(candidate: PresentCandidate): number {
  const { path } = candidate;
  const exclusive = candidate.kind === "block" ? constants.O_EXCL : 0;
  try {
    return openSync(path, constants.O_RDWR | exclusive);
  } catch (error) {
    if (errnoCode(error) === "EBUSY" || errnoCode(error) === "ETXTBSY") {
      throw refusedMember(
        "member-busy",
        path,
        "is in use: the kernel grants no exclusive access (mounted, swap, or part of an array, perhaps in another namespace)",
        STOP_THE_USE,
      );
    }
    throw refusedMember(
      "member-unreachable",
      path,
      `cannot be opened for reading and writing: ${errnoText(error)}`,
      "correct its permissions, or run as a user who may write to it",
    );
  }
}

/** What was examined must be what was opened. */
function refuseExchanged(candidate: PresentCandidate, descriptor: number): void {
  const stat = fstatSync(descriptor);
  const same =
    candidate.kind === "file"
      ? stat.dev === candidate.stat.dev && stat.ino === candidate.stat.ino
      : stat.isBlockDevice() && stat.rdev === candidate.rdev;
  if (same) return;
  throw refusedMember(
    "member-exchanged",
    candidate.path,
    "was exchanged for another file while it was examined",
    "leave the path alone and repeat the command",
  );
}
