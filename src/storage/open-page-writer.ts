/**
 * The page writer that a run asks for. `uring`: what a call has to write goes to all members at once (`members: "parallel"`), from
 * registered memory to registered files, in one submission as far as the ring holds it, and is waited for together. `psync`: one
 * blocking write after another, member after member, so that its latencies are sums (`members: "serial"`).
 *
 * Source: design.md, "Backends" and "Durability"; `native/src/member_writer/`.
 */
import { closeSync, constants } from "node:fs";
import { PAGE_BYTES } from "../ondisk/slot-geometry.js";
import { errnoError, memberFailed } from "./device-error.js";
import { openDirect } from "./direct-file.js";
import { createMemberWriter, type NativeMemberWriter, URING_ENTRIES } from "./native.js";
import {
  type DataWrites,
  type MemberFailure,
  NO_FAILURES,
  type PageIo,
  type PageWriter,
  type PageWriterOptions,
  type PageWrites,
} from "./page-writer.js";

/** Whether a writer reaches members at once or one after another, known before one is opened. */
export const MEMBERS_OF_IO = { psync: "serial", uring: "parallel" } as const;

/** What the kernel calls are named by where one fails. */
const CALL_OF_IO = { psync: "pwrite", uring: "io_uring" } as const;

interface OpenedFile {
  readonly path: string;
  readonly descriptor: number;
  readonly directIo: boolean;
}

/** Of one failed file: errno, file, offset (−1: the flush before), length. */
const FAILURE_NUMBERS = 4;

/**
 * @throws SlotmarkError kind `device` where a member cannot be opened; `io-uring-refused` where the kernel gives no ring
 */
export function openPageWriter(io: PageIo, options: PageWriterOptions): PageWriter {
  const opened: OpenedFile[] = [];
  const durable: OpenedFile[] = [];
  const closeFiles = () => {
    for (const { descriptor } of [...opened.splice(0), ...durable.splice(0)]) closeSync(descriptor);
  };
  const failures = new Float64Array(FAILURE_NUMBERS * options.members.length);
  let native: NativeMemberWriter;
  try {
    for (const { path } of options.members) {
      opened.push({ path, ...openDirect(path, constants.O_WRONLY) });
      // A ring is told with each write.
      if (io === "psync") durable.push({ path, ...openDirect(path, constants.O_WRONLY | constants.O_DSYNC) });
    }
    native = createMemberWriter(options.memory, nativeOptions(io, options, opened, durable), failures);
  } catch (error) {
    closeFiles();
    throw error;
  }
  const failed = (count: number): readonly MemberFailure[] => {
    if (count === 0) return NO_FAILURES;
    return Array.from({ length: count }, (_, index) => failureAt(index));
  };
  const failureAt = (index: number): MemberFailure => {
    const from = FAILURE_NUMBERS * index;
    const [errno = 0, member = 0, offsetBytes = 0, lengthBytes = 0] = failures.subarray(from);
    const path = opened[member]?.path ?? "";
    const cause =
      errno === 0 ? new Error("the device took no more bytes") : errnoError(errno, CALL_OF_IO[io]);
    const transfer =
      offsetBytes < 0
        ? ({ path, action: "flushing" } as const)
        : ({ path, action: "writing", offsetBytes, lengthBytes } as const);
    return { member, error: memberFailed(transfer, cause) };
  };
  let pages: PageWrites | undefined;
  let events: DataWrites | undefined;
  let times: Float64Array | undefined;
  return {
    io,
    members: MEMBERS_OF_IO[io],
    directIo: opened.every(({ directIo }) => directIo),
    mapsEachWrite: native.control.mapsEachWrite,
    writePages(list, count) {
      if (list !== pages) {
        pages = list;
        native.control.usePages(list.page, list.offsetBytes, list.lengthBytes);
      }
      return failed(native.writePages(count));
    },
    writeData(list, first, count, completedNs) {
      if (list !== events || completedNs !== times) {
        events = list;
        times = completedNs;
        native.control.useEvents(list.sector, list.sectors, completedNs);
      }
      return failed(native.writeData(first, count));
    },
    giveUp: (member) => native.control.giveUp(member),
    close() {
      native.control.close();
      closeFiles();
    },
  };
}

function nativeOptions(
  io: PageIo,
  {
    members,
    imageOffsetBytes,
    imageBytes,
    payloadOffsetBytes,
    payloadBytes,
    durability,
    dataSync,
    depth,
  }: PageWriterOptions,
  opened: readonly OpenedFile[],
  durable: readonly OpenedFile[],
) {
  return {
    registered: [imageOffsetBytes, imageBytes, payloadOffsetBytes, payloadBytes],
    descriptors: opened.map(({ descriptor }) => descriptor),
    durableDescriptors: durable.map(({ descriptor }) => descriptor),
    dataOffsets: members.map(({ dataOffsetBytes }) => dataOffsetBytes),
    imageOffset: imageOffsetBytes,
    pageBytes: PAGE_BYTES,
    payloadOffset: payloadOffsetBytes,
    flushBeforePages: durability === "preflush-fua",
    durablePages: durability !== "none",
    durableData: dataSync,
    depth,
    ...(io === "uring" ? { ringEntries: URING_ENTRIES } : {}),
  };
}
