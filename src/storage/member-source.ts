/**
 * A member opened for reading alone: size and bytes, of a regular file or a block device. Nothing is locked or guarded.
 *
 * Block devices are read with O_DIRECT: another host of the cluster writes past this host's page cache.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { SlotmarkError } from "../errors.js";
import { deviceNumber, readBlockDevice } from "./block-device.js";
import { errnoText, memberFailed } from "./device-error.js";
import { directMemory } from "./direct-memory.js";
import { type DataExtent, nextData } from "./native.js";

/** Longest read that one call may ask for. */
export const READ_BYTES_MAX = 1 << 20;
const LEAST_LOGICAL_BLOCK_BYTES = 512;

export interface MemberSource {
  readonly path: string;
  readonly kind: "file" | "block";
  readonly sizeBytes: number;
  readonly logicalBlockBytes: number;
  /** 0 where the device states none. */
  readonly optimalIoBytes: number;
  /**
   * Reads up to `lengthBytes` (at most READ_BYTES_MAX); fewer only at the member's end. The bytes are valid until the
   * next call.
   * @throws SlotmarkError `device`/`member-failed`
   */
  readAt(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** As `nextData` of `native.ts`: where the next bytes lie that are no hole; null: only a hole follows. */
  nextData(offsetBytes: number): DataExtent | null;
  close(): Promise<void>;
}

/** @throws SlotmarkError `member-missing`, `member-not-storage`, `member-unreadable` */
export async function openMemberSource(path: string): Promise<MemberSource> {
  const status = await statusOf(path);
  const block = status.isBlockDevice() ? readBlockDevice(deviceNumber(status.rdev)) : undefined;
  if (!status.isFile() && block === undefined) {
    throw new SlotmarkError(
      "input",
      "member-not-storage",
      `member ${path} is ${status.isDirectory() ? "a directory" : "no file that holds bytes"}, expected a regular file or a block device`,
      "name the file or the block device itself",
    );
  }
  const handle = await openForReading(path, block !== undefined);
  const alignment = block === undefined ? 1 : block.logicalBlockBytes;
  const memory =
    block === undefined ? new Uint8Array(READ_BYTES_MAX) : directMemory(READ_BYTES_MAX + 2 * alignment);
  return {
    path,
    kind: block === undefined ? "file" : "block",
    sizeBytes: block === undefined ? status.size : block.sizeBytes,
    logicalBlockBytes: block?.logicalBlockBytes ?? LEAST_LOGICAL_BLOCK_BYTES,
    optimalIoBytes: block?.optimalIoBytes ?? 0,
    async readAt(offsetBytes, lengthBytes) {
      const start = Math.floor(offsetBytes / alignment) * alignment;
      const length = Math.ceil((offsetBytes + lengthBytes - start) / alignment) * alignment;
      let done = 0;
      while (done < length) {
        const bytesRead = await readOnce(path, handle, memory, done, length - done, start + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      const skipped = offsetBytes - start;
      return memory.subarray(skipped, Math.max(skipped, Math.min(done, skipped + lengthBytes)));
    },
    nextData: (offsetBytes) =>
      block === undefined
        ? nextData(handle.fd, offsetBytes)
        : { start: offsetBytes, end: Number.POSITIVE_INFINITY },
    close: () => handle.close(),
  };
}

async function statusOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw new SlotmarkError(
      "input",
      "member-missing",
      `member ${path} cannot be found: ${errnoText(error)}`,
      "correct the path",
    );
  }
}

async function openForReading(path: string, direct: boolean): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (direct ? constants.O_DIRECT : 0));
  } catch (error) {
    throw new SlotmarkError(
      "input",
      "member-unreadable",
      `member ${path} cannot be opened: ${errnoText(error)}`,
      "correct its permissions, or run as a user who may read it",
    );
  }
}

async function readOnce(
  path: string,
  handle: FileHandle,
  memory: Uint8Array,
  at: number,
  lengthBytes: number,
  offsetBytes: number,
): Promise<number> {
  try {
    return (await handle.read(memory, at, lengthBytes, offsetBytes)).bytesRead;
  } catch (error) {
    throw memberFailed({ path, action: "reading", offsetBytes, lengthBytes }, error);
  }
}

/** Exactly `lengthBytes`. @throws SlotmarkError `truncated`, naming `what` lies there */
export async function readWhole(
  source: MemberSource,
  offsetBytes: number,
  lengthBytes: number,
  what: string,
): Promise<Uint8Array> {
  const bytes = await source.readAt(offsetBytes, lengthBytes);
  if (bytes.length === lengthBytes) return bytes;
  throw truncated(source, what, offsetBytes, lengthBytes);
}

export function truncated(
  source: MemberSource,
  what: string,
  offsetBytes: number,
  lengthBytes: number,
): SlotmarkError {
  return new SlotmarkError(
    "input",
    "truncated",
    `${source.path}: ${what} at bytes ${offsetBytes} to ${offsetBytes + lengthBytes - 1} is cut off: the member has ${source.sizeBytes} bytes, expected at least ${offsetBytes + lengthBytes}`,
    "the member is truncated: use a whole copy, or another member of the array",
  );
}
