/**
 * The page writer over Node's own `fs`: one blocking write after another, member after member, so that its latencies
 * are sums (`members: "serial"`). It allocates nothing of its own per write.
 *
 * Source: design.md, "Durability, as far as user space can say it".
 */
import { closeSync, constants } from "node:fs";
import { PAGE_BYTES, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { MemberFailed } from "./device-error.js";
import { flushDescriptor, openDirect, writeFullyAt } from "./direct-file.js";
import { monotonicNs } from "./monotonic.js";
import { type MemberFailure, NO_FAILURES, type PageWriter, type PageWriterOptions } from "./page-writer.js";

interface OpenMember {
  readonly path: string;
  readonly index: number;
  /** It failed, here or elsewhere: nothing is written to it. */
  givenUp: boolean;
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
    for (const [index, member] of options.members.entries()) {
      members.push(openMember({ ...member, index }, options.durability !== "none", options.dataSync));
    }
  } catch (error) {
    closeAll(members);
    throw error;
  }
  return {
    io: "psync",
    members: "serial",
    directIo: members.every(({ directIo }) => directIo),
    mapsEachWrite: false,

    writePages(pages, count) {
      let failures = NO_FAILURES;
      for (let index = 0; index < count; index++) {
        const page = at(pages.page, index);
        const offsetBytes = at(pages.offsetBytes, index);
        const lengthBytes = at(pages.lengthBytes, index);
        for (const member of members) {
          if (member.givenUp) continue;
          try {
            if (preflush) flushDescriptor(member.path, member.pageDescriptor);
            writeFullyAt(
              member.path,
              member.pageDescriptor,
              memory,
              imageOffsetBytes + page * PAGE_BYTES,
              lengthBytes,
              offsetBytes,
            );
          } catch (error) {
            failures = [...failures, giveUpFailed(member, error)];
          }
        }
      }
      return failures;
    },

    writeData({ sector, sectors }, first, count, completedNs) {
      let failures = NO_FAILURES;
      for (let event = 0; event < count; event++) {
        const offsetBytes = at(sector, first + event) * SECTOR_BYTES;
        const lengthBytes = at(sectors, first + event) * SECTOR_BYTES;
        for (const member of members) {
          if (member.givenUp) continue;
          try {
            writeFullyAt(
              member.path,
              member.dataDescriptor,
              memory,
              payloadOffsetBytes,
              lengthBytes,
              member.dataOffsetBytes + offsetBytes,
            );
          } catch (error) {
            failures = [...failures, giveUpFailed(member, error)];
          }
        }
        completedNs[event] = monotonicNs();
      }
      return failures;
    },

    giveUp(index) {
      const member = members[index];
      if (member !== undefined) member.givenUp = true;
    },

    close() {
      closeAll(members.splice(0));
    },
  };
}

function giveUpFailed(member: OpenMember, error: unknown): MemberFailure {
  if (!(error instanceof MemberFailed)) throw error;
  member.givenUp = true;
  return { member: member.index, error };
}

function openMember(
  {
    path,
    dataOffsetBytes,
    index,
  }: { readonly path: string; readonly dataOffsetBytes: number; readonly index: number },
  pageSync: boolean,
  dataSync: boolean,
): OpenMember {
  const page = openDirect(path, openFlags(pageSync));
  try {
    const data = openDirect(path, openFlags(dataSync));
    return {
      path,
      index,
      givenUp: false,
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
