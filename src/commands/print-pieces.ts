/** Writes text to standard output piece by piece, no faster than its reader takes it. */
import { once } from "node:events";

export async function printPieces(pieces: Iterable<string>): Promise<void> {
  const { stdout } = process;
  for (const piece of pieces) {
    if (stdout.destroyed) return; // the reader went away; main.ts has seen it
    if (!stdout.write(piece)) await drainedOrClosed(stdout);
  }
}

async function drainedOrClosed(stream: NodeJS.WriteStream): Promise<void> {
  // Whichever event does not come would leave its listener behind with every piece.
  const waiting = new AbortController();
  const { signal } = waiting;
  // An error of the stream rejects; main.ts hears of it too, and it alone decides what that means.
  await Promise.race([once(stream, "drain", { signal }), once(stream, "close", { signal })]).catch(() => {});
  waiting.abort();
}
