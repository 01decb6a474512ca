/** Writes text to standard output piece by piece, no faster than its reader takes it. */
import { once } from "node:events";

export async function printPieces(pieces: Iterable<string>): Promise<void> {
  const { stdout } = process;
  for (const piece of pieces) {
    if (stdout.destroyed) return; // the reader went away; main.ts has seen it
    if (!stdout.write(piece)) await Promise.race([once(stdout, "drain"), once(stdout, "close")]);
  }
}
