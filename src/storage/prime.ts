/**
 * Writes once every byte that a run will write, so that a run times the device and not the filesystem's allocation
 * (a sparse file's first write costs twice a later one) or a thin device's.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoCode, memberFailed } from "./device-error.js";
import { directMemory } from "./direct-memory.js";
import { noSpace } from "./free-space.js";
import type { Member } from "./member.js";

const PIECE_BYTES = 4 << 20;
/** Writes in flight at once; Node has four threads for them. */
const WRITERS = 4;

export interface PrimeRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /**
   * `zeros` (default) or `noise`: the same incompressible bytes on every member, counted from the range's start. Devices
   * that compress or drop zeros (thin volumes, zram) allocate only for noise.
   */
  readonly content?: "zeros" | "noise";
}

/**
 * Writes `ranges` of `member` with O_DIRECT in pieces of up to 4 MiB where alignment allows, a few at once, then fsyncs.
 * @param onProgress told the bytes written so far, of this member
 * @throws SlotmarkError `refused`/`no-space` for a file on a full filesystem, `device`/`member-failed` otherwise
 */
export async function primeRanges(
  member: Member,
  ranges: readonly PrimeRange[],
  onProgress?: (doneBytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const direct = await openDirect(member.path);
  const buffered = await open(member.path, constants.O_RDWR);
  const zeros = directMemory(PIECE_BYTES);
  const noise = ranges.some(({ content }) => content === "noise") ? noiseMemory() : zeros;
  const left = pieces(ranges);
  let doneBytes = 0;
  let failed: { readonly offsetBytes: number; readonly error: unknown } | undefined;
  const writer = async () => {
    // One iterator for all writers: each takes the next piece, and none is left after a failure.
    for (const { offsetBytes, lengthBytes, content } of left) {
      const aligned =
        offsetBytes % member.logicalBlockBytes === 0 && lengthBytes % member.logicalBlockBytes === 0;
      const source = content === "noise" ? noise : zeros;
      try {
        signal?.throwIfAborted();
        await writeFully(member, aligned ? direct : buffered, source, offsetBytes, lengthBytes);
      } catch (error) {
        // The first in the member's order, whichever was heard of first.
        if (failed === undefined || offsetBytes < failed.offsetBytes) failed = { offsetBytes, error };
        return;
      }
      doneBytes += lengthBytes;
      onProgress?.(doneBytes);
    }
  };
  try {
    await Promise.all(Array.from({ length: WRITERS }, writer));
    if (failed !== undefined) throw failed.error;
    await flush(member, buffered);
  } finally {
    await direct.close();
    await buffered.close();
  }
}

function* pieces(ranges: readonly PrimeRange[]): Generator<PrimeRange> {
  for (const range of ranges) {
    const end = range.offsetBytes + range.lengthBytes;
    for (let offsetBytes = range.offsetBytes; offsetBytes < end; offsetBytes += PIECE_BYTES) {
      yield { ...range, offsetBytes, lengthBytes: Math.min(PIECE_BYTES, end - offsetBytes) };
    }
  }
}

async function writeFully(
  member: Member,
  handle: FileHandle,
  source: Uint8Array,
  offsetBytes: number,
  lengthBytes: number,
): Promise<void> {
  let done = 0;
  while (done < lengthBytes) {
    const place = { offsetBytes: offsetBytes + done, lengthBytes: lengthBytes - done };
    let written: number;
    try {
      ({ bytesWritten: written } = await handle.write(source, done, place.lengthBytes, place.offsetBytes));
    } catch (error) {
      throw primeFailed(member, place, error);
    }
    if (written === 0) throw primeFailed(member, place, new Error("the device took no more bytes"));
    done += written;
  }
}

/** A full filesystem is the user's to correct; a device that fails is a device failure. */
function primeFailed(
  member: Member,
  place: { offsetBytes: number; lengthBytes: number },
  cause: unknown,
): Error {
  const full = ["ENOSPC", "EDQUOT", "EFBIG"].includes(errnoCode(cause) ?? "");
  return full && member.kind === "file"
    ? noSpace(member.path, `its filesystem was full at byte offset ${place.offsetBytes}`)
    : memberFailed({ path: member.path, action: "writing", ...place }, cause);
}

async function flush(member: Member, handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    throw memberFailed({ path: member.path, action: "flushing" }, error);
  }
}

async function openDirect(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_DIRECT);
  } catch (error) {
    if (errnoCode(error) !== "EINVAL") throw memberFailed({ path, action: "opening" }, error);
    return open(path, constants.O_RDWR);
  }
}

/** A fixed sequence (xorshift32), so that all members of an array get the same bytes. */
function noiseMemory(): Uint8Array {
  const memory = directMemory(PIECE_BYTES);
  const words = new Uint32Array(memory.buffer);
  let state = 0x9e3779b9;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return memory;
}
