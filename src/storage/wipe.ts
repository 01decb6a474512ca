/**
 * Takes away what `--destroy` gave up, so that nobody, this tool's guard included, later takes the member for what it was.
 */
import type { Member } from "./member.js";
import { readSignatures } from "./signatures.js";
import { flush, writeZeros } from "./slot-writes.js";

const BLOCK_BYTES = 4096;
/** A table found only once another is gone; more rounds than formats that were ever stacked on one device. */
const ROUNDS_MAX = 16;

/** Where filesystems keep their signatures; one there would show through at the start of the array's data. */
const DATA_HEAD_BYTES = 128 * 1024;

/**
 * Zeroes the 4 KiB block of every signature on `member`, and again until none is found; and the start of the data to come.
 * @throws SlotmarkError `device`/`member-failed`; `refused` where nothing can tell what is on it
 */
export async function wipe(member: Member, dataOffsetBytes: number): Promise<void> {
  await writeZeros(member, dataOffsetBytes, Math.min(DATA_HEAD_BYTES, member.sizeBytes - dataOffsetBytes));
  await flush(member);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const signatures = readSignatures(member.path);
    if (signatures.length === 0) return;
    for (const { offsetBytes } of signatures) {
      const start = Math.floor(offsetBytes / BLOCK_BYTES) * BLOCK_BYTES;
      await writeZeros(member, start, Math.min(BLOCK_BYTES, member.sizeBytes - start));
    }
    await flush(member);
  }
}
