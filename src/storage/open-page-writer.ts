/** The page writer that a run asks for. */
import type { PageIo, PageWriter, PageWriterOptions } from "./page-writer.js";
import { openPsyncWriter } from "./psync-writer.js";
import { openUringWriter } from "./uring-writer.js";

const OPENERS: Readonly<Record<PageIo, (options: PageWriterOptions) => PageWriter>> = {
  psync: openPsyncWriter,
  uring: openUringWriter,
};

/** Whether a writer reaches members at once or one after another, known before one is opened. */
export const MEMBERS_OF_IO = { psync: "serial", uring: "parallel" } as const;

/** @throws SlotmarkError kind `device`, or `io-uring-refused` */
export function openPageWriter(io: PageIo, options: PageWriterOptions): PageWriter {
  return OPENERS[io](options);
}
