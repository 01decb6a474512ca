/** The kernel's table of mounts, proc(5) mountinfo, as far as it says which filesystem holds a file. */
import { readFileSync } from "node:fs";

export interface Mount {
  /** `major:minor` as stat(2) gives it for files there. */
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  /** Options of the mount and of the filesystem's superblock. */
  readonly options: string;
}

/** mountinfo writes space, tab, newline and backslash as octal. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    // A varying number of optional fields ends with " - ".
    const [before, after] = line.split(" - ");
    const [, , device, , mountPoint, options] = before?.split(" ") ?? [];
    const [type, source, superOptions] = after?.split(" ") ?? [];
    if (device === undefined || mountPoint === undefined || type === undefined || source === undefined)
      continue;
    mounts.push({
      device,
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source),
      options: [...new Set(`${options},${superOptions ?? ""}`.split(",").filter(Boolean))].join(","),
    });
  }
  return mounts;
}

/**
 * The mount that holds `path` (absolute, links resolved): the longest mount point above it, and of those on one another
 * the last, which hides the others.
 */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const prefix = mount.mountPoint.endsWith("/") ? mount.mountPoint : `${mount.mountPoint}/`;
    if (path !== mount.mountPoint && !path.startsWith(prefix)) continue;
    if (best === undefined || mount.mountPoint.length >= best.mountPoint.length) best = mount;
  }
  return best;
}

export function readMounts(): Mount[] {
  return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
}
