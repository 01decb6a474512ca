/**
 * A file that is complete or absent, whatever kills the process or the machine: temporary file in the same folder,
 * fsync, rename, fsync of the folder.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { SlotmarkError } from "../errors.js";
import { errnoCode, errnoText } from "../storage/device-error.js";

/** The path itself is at fault, not the device under it. */
const PATH_ERRORS: ReadonlySet<string> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "EACCES",
  "EPERM",
  "EROFS",
  "ELOOP",
  "ENAMETOOLONG",
]);

/** A failed file operation as an error that says whether the user's path or the device is at fault. */
export function fileError(what: string, path: string, error: unknown): SlotmarkError {
  const errno = errnoCode(error) ?? "";
  return PATH_ERRORS.has(errno)
    ? new SlotmarkError(
        "input",
        "path-unusable",
        `${path}: ${what} failed: ${errnoText(error)}`,
        "Name a file in an existing, writable folder.",
      )
    : new SlotmarkError(
        "device",
        "file-failed",
        `${path}: ${what} failed: ${errnoText(error)}`,
        "Check the disk (space, health), then try again.",
      );
}

export function fsyncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * A rename would put a file in the place of a device (`/dev/null`) or a pipe. Ask before the work whose result goes there.
 * @throws SlotmarkError `path-unusable` (input)
 */
export function refuseSpecialFile(path: string): void {
  let stat: Stats | undefined;
  try {
    stat = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError("looking at it", path, error);
  }
  if (stat === undefined || stat.isFile()) return;
  throw new SlotmarkError(
    "input",
    "path-unusable",
    `${path}: ${stat.isDirectory() ? "a folder" : "no regular file"} is in its place`,
    "Name a regular file, or one that does not exist yet.",
  );
}

/** What a killed process left beside the file; that of a living one stays. */
function removeStaleTemporaries(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(`.${name}.`) || !entry.endsWith(".tmp")) continue;
    const processId = entry.slice(name.length + 2, -".tmp".length);
    if (/^\d+$/.test(processId) && !existsSync(`/proc/${processId}`))
      rmSync(join(folder, entry), { force: true });
  }
}

/** @throws SlotmarkError `path-unusable` (input), `file-failed` (device); the old file is then still whole */
export function writeFileAtomically(path: string, contents: string | Uint8Array): void {
  const folder = dirname(path);
  const name = basename(path);
  const temporary = join(folder, `.${name}.${process.pid}.tmp`);
  try {
    refuseSpecialFile(path);
    removeStaleTemporaries(folder, name);
    const descriptor = openSync(temporary, "w", 0o666);
    try {
      writeFileSync(descriptor, contents);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    fsyncFolder(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error instanceof SlotmarkError ? error : fileError("writing", path, error);
  }
}
