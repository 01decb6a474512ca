/** Files and devices that no sample shall find unwritten. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** Writes each of its first `sizeBytes` once, so that no sample pays for allocation. */
export function fillWhole(path: string, sizeBytes: number, fill: number): void {
  const descriptor = openSync(path, "r+");
  const piece = Buffer.alloc(1 << 20, fill);
  for (let at = 0; at < sizeBytes; at += piece.length)
    writeSync(descriptor, piece, 0, Math.min(piece.length, sizeBytes - at), at);
  fsyncSync(descriptor);
  closeSync(descriptor);
}
