/** Which reader a trace needs, from its first line. */
import fs from "node:fs";
import { blkparseReader, isBlkparseLine } from "./blkparse.js";
import { iologReader } from "./iolog.js";
import type { LineReader } from "./line-reader.js";
import { quoted, traceError } from "./trace-error.js";

/** `e a t \7`: a binary event of blktrace, little-endian. */
const BINARY_BLKTRACE = "\u0007tae";

const FIRST_LINE_BYTES = 4096;

/** Whether a file is there and begins as a trace does (unpacked ones only). */
export function isTraceFile(path: string): boolean {
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const descriptor = fs.openSync(path, "r");
  try {
    const bytes = Buffer.alloc(FIRST_LINE_BYTES);
    const read = fs.readSync(descriptor, bytes, 0, bytes.length, 0);
    const [firstLine = ""] = bytes.toString("utf8", 0, read).split("\n");
    return /^fio version \d+ iolog/.test(firstLine) || isBlkparseLine(firstLine);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** @throws SlotmarkError `trace-format-unknown` with what would be known */
export function detectFormat(path: string, firstLine: string): LineReader {
  const version = /^fio version (\d+) iolog\s*$/.exec(firstLine)?.[1];
  if (version === "2") return iologReader(2);
  if (version === "3") return iologReader(3);
  // "Input file sda.blktrace.0 added" leads where blkparse was not told to be quiet.
  if (isBlkparseLine(firstLine) || firstLine.startsWith("Input file ")) return blkparseReader("Q");
  if (firstLine.startsWith(BINARY_BLKTRACE)) {
    throw traceError(
      "trace-format-unknown",
      `${path} is binary output of blktrace; expected the text that blkparse makes of it`,
      "Run `blkparse -i NAME > NAME.txt` and name that file.",
    );
  }
  throw traceError(
    "trace-format-unknown",
    `${path}: line 1: expected "fio version 2 iolog", "fio version 3 iolog" or a line of blkparse's default output, found ${quoted(firstLine)}`,
    "Record a trace with fio's --write_iolog, or with blktrace and blkparse.",
  );
}
