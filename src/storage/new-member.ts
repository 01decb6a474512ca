/**
 * A member that slotmark makes: an absent file, or an empty one that gets its length.
 */
import { closeSync, constants, ftruncateSync, openSync, unlinkSync } from "node:fs";
import { errnoCode, errnoText } from "./device-error.js";
import type { MemberCandidate } from "./member-candidate.js";
import { refusedMember } from "./refusal.js";

/** Whether the path needs a length before it can be a member. */
export function needsLength(candidate: MemberCandidate): boolean {
  return candidate.kind === "absent" || (candidate.kind === "file" && candidate.stat.size === 0);
}

export function refuseWithoutLength(candidate: MemberCandidate): void {
  if (candidate.kind === "absent") {
    throw refusedMember(
      "member-missing",
      candidate.path,
      "does not exist",
      "correct the path, or make it with slotmark create --size SIZE",
    );
  }
  throw refusedMember(
    "member-empty",
    candidate.path,
    "is an empty file",
    "give it a length: slotmark create --size SIZE, or remove it",
  );
}

/** Makes the file; @returns its descriptor, open for reading and writing */
export function makeFile(path: string, sizeBytes: number): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    throw refusedMember(
      "member-not-made",
      path,
      `cannot be made: ${errnoText(error)}`,
      "choose a directory that you may write to, and a name that does not exist",
    );
  }
  try {
    setLength(path, descriptor, sizeBytes);
  } catch (error) {
    closeSync(descriptor);
    unlinkSync(path);
    throw error;
  }
  return descriptor;
}

export function setLength(path: string, descriptor: number, sizeBytes: number): void {
  try {
    ftruncateSync(descriptor, sizeBytes);
  } catch (error) {
    throw refusedMember(
      "member-not-made",
      path,
      `cannot be given a length of ${sizeBytes} bytes: ${errnoText(error)}`,
      errnoCode(error) === "EFBIG"
        ? "this filesystem allows no file of that size (ext4: 16 TiB); choose a smaller --size, xfs or tmpfs"
        : "choose a smaller --size, or another filesystem",
    );
  }
}
