/**
 * Blocking calls on a member: open past the page cache, write and read all of a range, flush. Every failure is one
 * `member-failed` error that names member, offset and errno.
 */
import { constants, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { errnoCode, memberFailed } from "./device-error.js";

/** O_DIRECT where the filesystem knows it; ramfs and tmpfs before Linux 6.6 answer EINVAL. */
export function openDirect(path: string, flags: number): { descriptor: number; directIo: boolean } {
  try {
    return { descriptor: openSync(path, flags | constants.O_DIRECT), directIo: true };
  } catch (error) {
    if (errnoCode(error) !== "EINVAL") throw memberFailed({ path, action: "opening" }, error);
  }
  try {
    return { descriptor: openSync(path, flags), directIo: false };
  } catch (error) {
    throw memberFailed({ path, action: "opening" }, error);
  }
}

export function flushDescriptor(path: string, descriptor: number): void {
  try {
    fdatasyncSync(descriptor);
  } catch (error) {
    throw memberFailed({ path, action: "flushing" }, error);
  }
}

/** Goes on after a short write, as pwrite(2) allows it; a write of nothing is the end of the device. */
export function writeFullyAt(
  path: string,
  descriptor: number,
  memory: Uint8Array,
  memoryOffsetBytes: number,
  lengthBytes: number,
  offsetBytes: number,
): void {
  let done = 0;
  while (done < lengthBytes) {
    let written: number;
    try {
      written = writeSync(
        descriptor,
        memory,
        memoryOffsetBytes + done,
        lengthBytes - done,
        offsetBytes + done,
      );
    } catch (error) {
      throw memberFailed(
        { path, action: "writing", offsetBytes: offsetBytes + done, lengthBytes: lengthBytes - done },
        error,
      );
    }
    if (written === 0) {
      throw memberFailed(
        { path, action: "writing", offsetBytes: offsetBytes + done, lengthBytes: lengthBytes - done },
        new Error("the device took no more bytes"),
      );
    }
    done += written;
  }
}

/** Fills `memory` from `memoryOffsetBytes`; the end of the member before that is a failure. */
export function readFullyAt(
  path: string,
  descriptor: number,
  memory: Uint8Array,
  memoryOffsetBytes: number,
  lengthBytes: number,
  offsetBytes: number,
): void {
  for (let done = 0; done < lengthBytes; ) {
    const place = { offsetBytes: offsetBytes + done, lengthBytes: lengthBytes - done };
    let read: number;
    try {
      read = readSync(descriptor, memory, memoryOffsetBytes + done, place.lengthBytes, place.offsetBytes);
    } catch (error) {
      throw memberFailed({ path, action: "reading", ...place }, error);
    }
    if (read === 0) {
      throw memberFailed({ path, action: "reading", ...place }, new Error("the member ends there"));
    }
    done += read;
  }
}
