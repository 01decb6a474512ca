/**
 * A file that is complete or absent, whatever kills the process or the machine: temporary file in the same folder,
 * fsync, rename, fsync of the folder.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/** @throws SlotmarkError `path-unusable` (input), `file-failed` (device); the old file is then still whole */
export function writeFileAtomically(path: string, text: string): void {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    const descriptor = openSync(temporary, "w", 0o666);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    fsyncFolder(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fileError("writing", path, error);
  }
}
