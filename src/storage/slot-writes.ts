/** Writes whole slots and superblock areas of a member that is open, through its page cache; `flush` makes them durable. */
import { fsync, write } from "node:fs";
import { promisify } from "node:util";
import type { SlotmarkError } from "../errors.js";
import { type BitmapSuperblock, serializeBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import { PAGE_BYTES, SECTOR_BYTES, type SlotGeometry, slotSector } from "../ondisk/slot-geometry.js";
import { errnoCode, memberFailed } from "./device-error.js";
import { noSpace } from "./free-space.js";
import type { Member } from "./member.js";

const PIECE_BYTES = 1 << 20;

export interface SlotContents {
  /** mdadm's: the first node to start resyncs everything. Padding behind the last chunk is ones as well. */
  readonly firstSlotOnes: boolean;
  readonly sparse: boolean;
  readonly signal?: AbortSignal | undefined;
}

export async function writeSlots(
  member: Member,
  geometry: SlotGeometry,
  superblock: BitmapSuperblock,
  { firstSlotOnes, sparse, signal }: SlotContents,
): Promise<void> {
  const slotBytes = geometry.pagesPerSlot * PAGE_BYTES;
  const head = serializeBitmapSuperblock(superblock);
  const piece = new Uint8Array(Math.min(PIECE_BYTES, slotBytes));
  for (let slot = 0; slot < geometry.nodes; slot++) {
    const fill = slot === 0 && firstSlotOnes ? 0xff : 0;
    const slotOffsetBytes = slotSector(geometry, slot) * SECTOR_BYTES;
    const wantedBytes = sparse && fill === 0 ? PAGE_BYTES : slotBytes;
    for (let at = 0; at < wantedBytes; at += PIECE_BYTES) {
      signal?.throwIfAborted();
      const lengthBytes = Math.min(PIECE_BYTES, wantedBytes - at);
      piece.fill(fill, 0, lengthBytes);
      if (at === 0) piece.set(head);
      await writeFully(member, piece.subarray(0, lengthBytes), slotOffsetBytes + at);
    }
  }
}

export async function writeZeros(member: Member, offsetBytes: number, lengthBytes: number): Promise<void> {
  await writeFully(member, new Uint8Array(lengthBytes), offsetBytes);
}

const writeAt = promisify(write);
const flushDescriptor = promisify(fsync);

export async function writeFully(member: Member, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const place = { offsetBytes: offsetBytes + done, lengthBytes: bytes.length - done };
    try {
      const { bytesWritten } = await writeAt(
        member.descriptor,
        bytes,
        done,
        place.lengthBytes,
        place.offsetBytes,
      );
      if (bytesWritten === 0) throw new Error("the device took no more bytes");
      done += bytesWritten;
    } catch (error) {
      throw writeFailed(member, "writing", error, place);
    }
  }
}

export async function flush(member: Member): Promise<void> {
  try {
    await flushDescriptor(member.descriptor);
  } catch (error) {
    throw writeFailed(member, "flushing", error);
  }
}

/** A full filesystem is the user's to correct; a device that fails is a device failure. */
function writeFailed(
  member: Member,
  action: "writing" | "flushing",
  cause: unknown,
  place: { readonly offsetBytes?: number; readonly lengthBytes?: number } = {},
): SlotmarkError {
  const full = ["ENOSPC", "EDQUOT", "EFBIG"].includes(errnoCode(cause) ?? "");
  if (!full || member.kind === "block") {
    return memberFailed({ path: member.path, action, ...place }, cause);
  }
  const where = place.offsetBytes === undefined ? "" : ` at byte offset ${place.offsetBytes}`;
  return noSpace(member.path, `its filesystem was full${where}`);
}
