/**
 * The page writer over io_uring: what a call has to write goes to all members at once (`members: "parallel"`), from
 * registered memory to registered files, in one submission as far as the ring holds it, and is waited for together.
 *
 * Source: design.md, "Backends" and "Durability"; `native/src/uring/`.
 */
import { closeSync, constants } from "node:fs";
import { PAGE_BYTES } from "../ondisk/slot-geometry.js";
import { errnoError, memberFailed } from "./device-error.js";
import { openDirect } from "./direct-file.js";
import { createUringWriter, type NativeUringWriter, URING_ENTRIES } from "./native.js";
import {
  type DataWrites,
  type MemberFailure,
  NO_FAILURES,
  type PageWriter,
  type PageWriterOptions,
  type PageWrites,
} from "./page-writer.js";

/** Of one failed file: errno, file, offset (−1: the flush before), length. */
const FAILURE_NUMBERS = 4;

/**
 * @throws SlotmarkError kind `device` where a member cannot be opened; `io-uring-refused` where the kernel gives no ring
 */
export function openUringWriter(options: PageWriterOptions): PageWriter {
  const { memory, imageOffsetBytes, imageBytes, payloadOffsetBytes, payloadBytes, durability, dataSync } =
    options;
  const opened: { path: string; descriptor: number; directIo: boolean }[] = [];
  const closeFiles = () => {
    for (const { descriptor } of opened.splice(0)) closeSync(descriptor);
  };
  const failures = new Float64Array(FAILURE_NUMBERS * options.members.length);
  let native: NativeUringWriter;
  try {
    for (const { path } of options.members) opened.push({ path, ...openDirect(path, constants.O_WRONLY) });
    const ring = {
      registered: [imageOffsetBytes, imageBytes, payloadOffsetBytes, payloadBytes],
      descriptors: opened.map(({ descriptor }) => descriptor),
      dataOffsets: options.members.map(({ dataOffsetBytes }) => dataOffsetBytes),
      imageOffset: imageOffsetBytes,
      pageBytes: PAGE_BYTES,
      payloadOffset: payloadOffsetBytes,
      flushBeforePages: durability === "preflush-fua",
      durablePages: durability !== "none",
      durableData: dataSync,
      entries: URING_ENTRIES,
      depth: options.depth,
    };
    native = createUringWriter(memory, ring, failures);
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
    const cause = errno === 0 ? new Error("the device took no more bytes") : errnoError(errno, "io_uring");
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
    io: "uring",
    members: "parallel",
    directIo: opened.every(({ directIo }) => directIo),
    mapsEachWrite: !native.control.registersBuffers,
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
