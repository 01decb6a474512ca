/**
 * The page writer over Node's own `fs`: one blocking write after another, member after member, so that its latencies
 * are sums (`members: "serial"`). It allocates nothing of its own per write.
 *
 * Source: design.md, "Durability, as far as user space can say it".
 */
import { closeSync, constants, fdatasyncSync, openSync, writeSync } from "node:fs";
import { PAGE_BYTES } from "../ondisk/slot-geometry.js";
import { errnoCode, memberFailed } from "./device-error.js";
import type { PageWriter, PageWriterOptions } from "./page-writer.js";

interface OpenMember {
  readonly path: string;
  readonly dataOffsetBytes: number;
  /** Bitmap pages: O_DSYNC unless durability is `none`. */
  readonly pageDescriptor: number;
  /** Application data: O_DSYNC only with `dataSync`. */
  readonly dataDescriptor: number;
  readonly directIo: boolean;
}

/** @throws SlotmarkError kind `device` where a member cannot be opened for writing */
export function openPsyncWriter(options: PageWriterOptions): PageWriter {
  const { memory, imageOffsetBytes, payloadOffsetBytes } = options;
  const preflush = options.durability === "preflush-fua";
  const members: OpenMember[] = [];
  try {
    for (const { path, dataOffsetBytes } of options.members) {
      members.push(openMember(path, dataOffsetBytes, options.durability !== "none", options.dataSync));
    }
  } catch (error) {
    closeAll(members);
    throw error;
  }
  return {
    io: "psync",
    members: "serial",
    directIo: members.every(({ directIo }) => directIo),

    writePages(pages, count) {
      for (let index = 0; index < count; index++) {
        const page = at(pages.page, index);
        const offsetBytes = at(pages.offsetBytes, index);
        const lengthBytes = at(pages.lengthBytes, index);
        for (const member of members) {
          if (preflush) flush(member);
          writeFully(
            member.path,
            member.pageDescriptor,
            memory,
            imageOffsetBytes + page * PAGE_BYTES,
            lengthBytes,
            offsetBytes,
          );
        }
      }
    },

    writeData(offsetBytes, lengthBytes) {
      for (const member of members) {
        writeFully(
          member.path,
          member.dataDescriptor,
          memory,
          payloadOffsetBytes,
          lengthBytes,
          member.dataOffsetBytes + offsetBytes,
        );
      }
    },

    close() {
      closeAll(members.splice(0));
    },
  };
}

function openMember(path: string, dataOffsetBytes: number, pageSync: boolean, dataSync: boolean): OpenMember {
  const page = openDirect(path, pageSync);
  try {
    const data = openDirect(path, dataSync);
    return {
      path,
      dataOffsetBytes,
      pageDescriptor: page.descriptor,
      dataDescriptor: data.descriptor,
      directIo: page.directIo,
    };
  } catch (error) {
    closeSync(page.descriptor);
    throw error;
  }
}

/** O_DIRECT where the filesystem knows it; ramfs and tmpfs before Linux 6.6 answer EINVAL. */
function openDirect(path: string, synchronous: boolean): { descriptor: number; directIo: boolean } {
  const flags = constants.O_WRONLY | (synchronous ? constants.O_DSYNC : 0);
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

function flush(member: OpenMember): void {
  try {
    fdatasyncSync(member.pageDescriptor);
  } catch (error) {
    throw memberFailed({ path: member.path, action: "flushing" }, error);
  }
}

/** Goes on after a short write, as pwrite(2) allows it; a write of nothing is the end of the device. */
function writeFully(
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

function at(list: Uint32Array | Float64Array, index: number): number {
  const value = list[index];
  if (value === undefined) throw new RangeError(`page list of ${list.length} entries has no entry ${index}`);
  return value;
}

function closeAll(members: readonly OpenMember[]): void {
  for (const { pageDescriptor, dataDescriptor } of members) {
    closeSync(pageDescriptor);
    closeSync(dataDescriptor);
  }
}
