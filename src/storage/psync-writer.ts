/**
 * The page writer over Node's own `fs`: one blocking write after another, member after member, so that its latencies
 * are sums (`members: "serial"`). It allocates nothing of its own per write.
 *
 * Source: design.md, "Durability, as far as user space can say it".
 */
import { closeSync, constants } from "node:fs";
import { PAGE_BYTES, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { flushDescriptor, openDirect, writeFullyAt } from "./direct-file.js";
import { monotonicNs } from "./monotonic.js";
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
          if (preflush) flushDescriptor(member.path, member.pageDescriptor);
          writeFullyAt(
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

    writeData({ sector, sectors }, first, count, completedNs) {
      for (let event = 0; event < count; event++) {
        const offsetBytes = at(sector, first + event) * SECTOR_BYTES;
        const lengthBytes = at(sectors, first + event) * SECTOR_BYTES;
        for (const member of members) {
          writeFullyAt(
            member.path,
            member.dataDescriptor,
            memory,
            payloadOffsetBytes,
            lengthBytes,
            member.dataOffsetBytes + offsetBytes,
          );
        }
        completedNs[event] = monotonicNs();
      }
    },

    close() {
      closeAll(members.splice(0));
    },
  };
}

function openMember(path: string, dataOffsetBytes: number, pageSync: boolean, dataSync: boolean): OpenMember {
  const page = openDirect(path, openFlags(pageSync));
  try {
    const data = openDirect(path, openFlags(dataSync));
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

function openFlags(synchronous: boolean): number {
  return constants.O_WRONLY | (synchronous ? constants.O_DSYNC : 0);
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
