/** Reads one slot's bits from a member, piece by piece, and says which chunks are dirty. */
import { DirtyChunkScan } from "../ondisk/dirty-chunks.js";
import {
  BITMAP_SUPERBLOCK_BYTES,
  PAGE_BYTES,
  SECTOR_BYTES,
  type SlotGeometry,
  slotSector,
} from "../ondisk/slot-geometry.js";
import { type MemberSource, READ_BYTES_MAX, truncated } from "./member-source.js";

/**
 * @param missingIsZero bytes behind the member's end are zero (a file of metadata alone)
 * @param onRange told each inclusive range of dirty chunks, ascending
 * @returns how many chunks are dirty
 * @throws SlotmarkError `truncated`
 */
export async function scanSlot(
  source: MemberSource,
  geometry: SlotGeometry,
  slot: number,
  missingIsZero: boolean,
  onRange: (first: number, last: number) => void,
): Promise<number> {
  const scan = new DirtyChunkScan(geometry.chunks, onRange);
  const slotOffsetBytes = slotSector(geometry, slot) * SECTOR_BYTES;
  const zeros = new Uint8Array(PAGE_BYTES);
  for (let at = BITMAP_SUPERBLOCK_BYTES; at < geometry.bitmapBytes; ) {
    // Pieces end on page boundaries of the slot.
    const lengthBytes = Math.min(READ_BYTES_MAX - (at % PAGE_BYTES), geometry.bitmapBytes - at);
    const offsetBytes = slotOffsetBytes + at;
    const bytes = await source.readAt(offsetBytes, lengthBytes);
    if (bytes.length < lengthBytes && !missingIsZero) {
      throw truncated(source, `bitmap of slot ${slot}`, offsetBytes, lengthBytes);
    }
    scan.push(bytes);
    for (let missing = lengthBytes - bytes.length; missing > 0; missing -= PAGE_BYTES) {
      scan.push(zeros.subarray(0, Math.min(missing, PAGE_BYTES)));
    }
    at += lengthBytes;
  }
  scan.finish();
  return scan.dirtyChunks;
}
