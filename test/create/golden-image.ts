/** Golden images: gzip of records { byte offset u64 LE, 4096 bytes }, the non-zero blocks of a member below its data. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const BLOCK_BYTES = 4096;
const RECORD_BYTES = 8 + BLOCK_BYTES;

export function goldenUrl(relative: string): URL {
  return new URL(`../../../test/golden/${relative}`, import.meta.url);
}

/** Blocks by byte offset. */
export function goldenBlocks(relative: string): Map<number, Buffer> {
  const records = gunzipSync(readFileSync(goldenUrl(relative)));
  const blocks = new Map<number, Buffer>();
  for (let at = 0; at < records.length; at += RECORD_BYTES) {
    blocks.set(Number(records.readBigUInt64LE(at)), records.subarray(at + 8, at + RECORD_BYTES));
  }
  return blocks;
}

/** Writes a sparse image; `sizeBytes` is the member's whole length, absent: it ends behind its last block. */
export function expandGolden(relative: string, path: string, sizeBytes?: number): void {
  const descriptor = openSync(path, "w");
  try {
    for (const [offset, block] of goldenBlocks(relative))
      writeSync(descriptor, block, 0, BLOCK_BYTES, offset);
    if (sizeBytes !== undefined) ftruncateSync(descriptor, sizeBytes);
  } finally {
    closeSync(descriptor);
  }
}

/** Bytes of a size as in the images' names, for example `100G`. */
export function namedSizeBytes(text: string): number {
  const unit = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }[text.slice(-1)];
  if (unit === undefined) throw new Error(`no size: ${text}`);
  return Number(text.slice(0, -1)) * unit;
}

export interface GoldenName {
  readonly name: string;
  readonly memberBytes: number;
  readonly nodes: number;
  readonly chunkBytes: number | "default";
}

/** From a name such as `s1G_n4_c64K` or `s64M_n4_cdef`. */
export function parseGoldenName(name: string): GoldenName {
  const match = /^[a-z](\d+[KMGT])_n(\d+)_c(def|\d+[KMGT])$/.exec(name);
  if (match === null) throw new Error(`no golden geometry name: ${name}`);
  return {
    name,
    memberBytes: namedSizeBytes(match[1] ?? ""),
    nodes: Number(match[2]),
    chunkBytes: match[3] === "def" ? "default" : namedSizeBytes(match[3] ?? ""),
  };
}
