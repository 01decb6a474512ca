/**
 * The page writer over io_uring: what a call has to write goes to all members at once (`members: "parallel"`), from
 * registered memory to registered files, in one submission as far as the ring holds it, and is waited for together.
 *
 * Source: design.md, "Backends" and "Durability"; `native/src/uring/`.
 */
import { closeSync, constants } from "node:fs";
import type { SlotmarkError } from "../errors.js";
import { PAGE_BYTES } from "../ondisk/slot-geometry.js";
import { errnoError, memberFailed } from "./device-error.js";
import { openDirect } from "./direct-file.js";
import { createUringWriter, type NativeUringWriter } from "./native.js";
import type { PageWriter, PageWriterOptions } from "./page-writer.js";

/** Requests that the ring holds: pages of one unplug times members, as a rule. */
const ENTRIES = 256;

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
  let native: NativeUringWriter;
  try {
    for (const { path } of options.members) opened.push({ path, ...openDirect(path, constants.O_WRONLY) });
    native = createUringWriter(memory, {
      registered: [imageOffsetBytes, imageBytes, payloadOffsetBytes, payloadBytes],
      descriptors: opened.map(({ descriptor }) => descriptor),
      dataOffsets: options.members.map(({ dataOffsetBytes }) => dataOffsetBytes),
      imageOffset: imageOffsetBytes,
      pageBytes: PAGE_BYTES,
      payloadOffset: payloadOffsetBytes,
      flushBeforePages: durability === "preflush-fua",
      durablePages: durability !== "none",
      durableData: dataSync,
      entries: ENTRIES,
      depth: options.depth,
    });
  } catch (error) {
    closeFiles();
    throw error;
  }
  /** errno, member, offset (−1: the flush before), length of what failed. */
  const failure = new Float64Array(4);
  const failed = (): SlotmarkError => {
    const [errno = 0, member = 0, offsetBytes = 0, lengthBytes = 0] = failure;
    const path = opened[member]?.path ?? "";
    const cause = errno === 0 ? new Error("the device took no more bytes") : errnoError(errno, "io_uring");
    if (offsetBytes < 0) return memberFailed({ path, action: "flushing" }, cause);
    return memberFailed({ path, action: "writing", offsetBytes, lengthBytes }, cause);
  };
  return {
    io: "uring",
    members: "parallel",
    directIo: opened.every(({ directIo }) => directIo),
    writePages({ page, offsetBytes, lengthBytes }, count) {
      if (!native.writePages(page, offsetBytes, lengthBytes, count, failure)) throw failed();
    },
    writeData({ sector, sectors }, first, count, completedNs) {
      if (!native.writeData(sector, sectors, first, count, completedNs, failure)) throw failed();
    },
    close() {
      native.close();
      closeFiles();
    },
  };
}
