/**
 * The lines of a text file, a few thousand at a time, in memory that does not grow with the file. A file that gzip packed is unpacked
 * on the way.
 */
import fs from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { fileFailure, malformedLine, traceError } from "./trace-error.js";

const CHUNK_BYTES = 256 * 1024;
/** No line of a trace is longer; a file of another kind may be one line of gigabytes. */
export const LONGEST_LINE = 65_536;
const GZIP_MAGIC = 0x1f8b;

export interface TextLines {
  /** Number of the first of `lines`, from 1. */
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** Bytes of the file read so far, as they lie on disk. */
  readonly readBytes: number;
}

/** @throws SlotmarkError `trace-unreadable`, `trace-malformed` for a line without an end; what `signal` was aborted with */
export async function* textLines(path: string, signal?: AbortSignal): AsyncGenerator<TextLines> {
  const packed = isGzip(path);
  const file = fs.createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const text = packed ? unpacked(file) : file;
  const decoder = new TextDecoder();
  let firstLine = 1;
  let rest = "";
  try {
    for await (const chunk of text as AsyncIterable<Uint8Array>) {
      signal?.throwIfAborted();
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) {
        const place = { path, line: firstLine + lines.length };
        throw malformedLine(place, `a line of at most ${LONGEST_LINE} characters`, rest);
      }
      if (lines.length === 0) continue;
      yield { firstLine, lines, readBytes: file.bytesRead };
      firstLine += lines.length;
    }
    rest += decoder.decode();
    if (rest !== "") yield { firstLine, lines: [rest], readBytes: file.bytesRead };
  } catch (error) {
    throw readFailure(path, error);
  } finally {
    file.destroy();
  }
}

function unpacked(file: fs.ReadStream): Readable {
  // Errors of either stream reach the reader of the last one.
  return pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => {});
}

/** @throws SlotmarkError `trace-unreadable` for what is no regular file or cannot be read */
function isGzip(path: string): boolean {
  let descriptor: number | undefined;
  try {
    // A pipe without a writer would have the open wait for ever; a trace may have to be read twice in any case.
    if (!fs.statSync(path).isFile()) {
      throw traceError("trace-unreadable", `${path} is no regular file`, "Name a trace file.");
    }
    descriptor = fs.openSync(path, "r");
    const magic = Buffer.alloc(2);
    return fs.readSync(descriptor, magic, 0, 2, 0) === 2 && magic.readUInt16BE() === GZIP_MAGIC;
  } catch (error) {
    throw readFailure(path, error);
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

function readFailure(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  if (error.code.startsWith("Z_")) {
    return traceError(
      "trace-gzip-damaged",
      `${path}: not to be unpacked: ${error.message}`,
      "Check the file with gzip -t, and copy or record it anew.",
    );
  }
  return "errno" in error ? fileFailure(path, error) : error;
}
