/**
 * Mounts and swap areas of this machine, from /proc (proc(5): self/mountinfo, swaps).
 */
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { deviceNumber, readBlockDeviceByName } from "./block-device.js";
import { SYSTEM_ROOTS, type SystemRoots } from "./system-roots.js";

export interface Mount {
  /** `major:minor` of the filesystem; btrfs and its like invent one that is no block device. */
  readonly number: string;
  readonly mountPoint: string;
  readonly filesystem: string;
  readonly source: string;
  /** Options of the mount and of the filesystem, comma-separated. */
  readonly options: string;
}

export function readMounts(roots: SystemRoots = SYSTEM_ROOTS): Mount[] {
  const mounts: Mount[] = [];
  for (const line of readFileSync(join(roots.proc, "self/mountinfo"), "utf8").split("\n")) {
    // "36 35 98:0 /root /mount/point rw,noatime shared:1 - ext3 /dev/root rw,errors=continue"
    const [place, kind] = line.split(" - ", 2);
    const placeFields = place?.split(" ") ?? [];
    const kindFields = kind?.split(" ") ?? [];
    const number = placeFields[2];
    const mountPoint = placeFields[4];
    const filesystem = kindFields[0];
    if (number === undefined || mountPoint === undefined || filesystem === undefined) continue;
    mounts.push({
      number,
      mountPoint: unescapeOctal(mountPoint),
      filesystem,
      source: unescapeOctal(kindFields[1] ?? ""),
      options: [placeFields[5], kindFields[2]].filter(Boolean).join(","),
    });
  }
  return mounts;
}

/** The mount that holds `path`: of those with its device number the one with the longest mount point above it. */
export function mountUnder(path: string, mounts: readonly Mount[]): Mount | undefined {
  const above = mounts.filter(
    ({ mountPoint }) =>
      mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint.replace(/\/$/, "")}/`),
  );
  // Later lines cover earlier ones at the same place.
  return above.reduce<Mount | undefined>(
    (best, mount) => (best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best),
    undefined,
  );
}

/** Paths of active swap devices and files. */
export function readSwaps(roots: SystemRoots = SYSTEM_ROOTS): string[] {
  let text: string;
  try {
    text = readFileSync(join(roots.proc, "swaps"), "utf8");
  } catch {
    return []; // a kernel built without swap
  }
  return text
    .split("\n")
    .slice(1)
    .map((line) => unescapeOctal(line.split(/\s+/, 1)[0] ?? ""))
    .filter((path) => path !== "");
}

/** `major:minor` of the block device that a mount or swap line names; undefined where it names none. */
export function namedDeviceNumber(source: string, roots: SystemRoots = SYSTEM_ROOTS): string | undefined {
  if (!source.startsWith("/")) return undefined;
  // A tree of another machine has no device nodes, but the kernel names in it.
  if (roots.sys !== SYSTEM_ROOTS.sys) return readBlockDeviceByName(basename(source), roots)?.number;
  try {
    const stat = statSync(source);
    return stat.isBlockDevice() ? deviceNumber(stat.rdev) : undefined;
  } catch {
    return undefined;
  }
}

/** /proc writes space, tab, newline and backslash as `\040` and so on. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
