/** A member for tests: a sparse file, or whatever is at the path, open as the guard would have left it. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync } from "node:fs";
import type { Member } from "../../src/storage/member.js";

/** @param sizeBytes the file is made with this length; absent: it exists */
export function openTestMember(path: string, sizeBytes?: number): Member {
  const descriptor = openSync(
    path,
    constants.O_RDWR | (sizeBytes === undefined ? 0 : constants.O_CREAT | constants.O_EXCL),
  );
  if (sizeBytes !== undefined) ftruncateSync(descriptor, sizeBytes);
  return {
    path,
    kind: "file",
    sizeBytes: fstatSync(descriptor).size,
    logicalBlockBytes: 512,
    optimalIoBytes: 0,
    descriptor,
    created: sizeBytes !== undefined,
    close: () => closeSync(descriptor),
  };
}
