/**
 * Who uses a regular file already: a loop device, swap, or a process that has it open.
 */
import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileIdentity, loopNode, readLoopDevices } from "./loop-devices.js";
import { readSwaps } from "./mount-table.js";
import type { SystemRoots } from "./system-roots.js";

export interface FileUse {
  readonly kind: "loop" | "swap";
  readonly text: string;
}

export function usesOfFile(path: string, roots: SystemRoots): FileUse[] {
  const identity = fileIdentity(path);
  if (identity === undefined) return [];
  const uses: FileUse[] = [];
  for (const loop of readLoopDevices(roots)) {
    if (loop.backing === identity) {
      uses.push({ kind: "loop", text: `the file behind ${loopNode(loop.name)}` });
    }
  }
  for (const swap of readSwaps(roots)) {
    if (fileIdentity(swap) === identity) uses.push({ kind: "swap", text: "active swap" });
  }
  return uses;
}

export interface OpenElsewhere {
  readonly processId: number;
  readonly command: string;
  readonly writing: boolean;
}

/** Processes other than this one that have a file or block device open; those of other users only where we may look. */
export function processesWithFileOpen(path: string, roots: SystemRoots): OpenElsewhere[] {
  const target = statSync(path, { bigint: true });
  const found: OpenElsewhere[] = [];
  for (const entry of readdirSync(roots.proc)) {
    const processId = Number(entry);
    if (!Number.isInteger(processId) || processId === process.pid) continue;
    const directory = join(roots.proc, entry);
    const descriptors = descriptorsOf(directory, target);
    if (descriptors.length === 0) continue;
    found.push({
      processId,
      command: commandOf(directory),
      writing: descriptors.some((name) => isWritable(join(directory, "fdinfo", name))),
    });
  }
  return found;
}

/** The names of a process's descriptors that are open on `target`. */
function descriptorsOf(directory: string, target: BigIntStats): string[] {
  let names: string[];
  try {
    names = readdirSync(join(directory, "fd"));
  } catch {
    return []; // gone meanwhile, or another user's
  }
  return names.filter((name) => {
    const link = join(directory, "fd", name);
    try {
      // Sockets and pipes are no paths; asking the kernel about them is slow and pointless.
      if (!readlinkSync(link).startsWith("/")) return false;
      const stat = statSync(link, { bigint: true });
      // One block device may have several nodes.
      return target.isBlockDevice()
        ? stat.isBlockDevice() && stat.rdev === target.rdev
        : stat.dev === target.dev && stat.ino === target.ino;
    } catch {
      return false;
    }
  });
}

/** fdinfo's "flags:" are open(2)'s, in octal; their lowest two bits are the access mode, 0 for reading alone. */
function isWritable(fdinfo: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(fdinfo, "utf8"))?.[1] ?? "0";
    return (Number.parseInt(flags, 8) & 3) !== 0;
  } catch {
    return false;
  }
}

function commandOf(directory: string): string {
  try {
    return readFileSync(join(directory, "comm"), "utf8").trim();
  } catch {
    return "already gone";
  }
}
