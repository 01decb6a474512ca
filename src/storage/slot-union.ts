/**
 * The bits of all slots of several members at once, a window at a time, so that an array of any size fits: which chunks
 * are set in each slot, and which are clear in every slot.
 */
import { ChunkExtent } from "../ondisk/chunk-extent.js";
import { DirtyChunkScan } from "../ondisk/dirty-chunks.js";
import {
  BITMAP_SUPERBLOCK_BYTES,
  SECTOR_BYTES,
  type SlotGeometry,
  slotSector,
} from "../ondisk/slot-geometry.js";
import type { ReadMember } from "./array-roles.js";
import { truncated } from "./member-source.js";

const WINDOW_BYTES = 1 << 18;

export interface SlotUnion {
  /** Chunks set in each slot on any of the members. */
  readonly dirty: readonly ChunkExtent[];
}

/**
 * A chunk is covered if every member has its bit in some slot: whoever starts the array reads the bitmap from one of them.
 * @param onClean told each range of chunks that are not covered, ascending; ranges may touch; awaited
 * @throws SlotmarkError `truncated`, `device`/`member-failed`
 */
export async function readSlotUnion(
  members: readonly ReadMember[],
  geometry: SlotGeometry,
  onClean: (first: number, last: number) => Promise<void>,
): Promise<SlotUnion> {
  const slots = Math.max(geometry.nodes, 1);
  const dirty = Array.from({ length: slots }, () => new ChunkExtent());
  const bitBytes = geometry.bitmapBytes - BITMAP_SUPERBLOCK_BYTES;
  for (let at = 0; at < bitBytes; at += WINDOW_BYTES) {
    const lengthBytes = Math.min(WINDOW_BYTES, bitBytes - at);
    const firstChunk = at * 8;
    const chunks = Math.min(lengthBytes * 8, geometry.chunks - firstChunk);
    const scan = (bytes: Uint8Array, onRange: (first: number, last: number) => void) => {
      const window = new DirtyChunkScan(chunks, (first, last) =>
        onRange(firstChunk + first, firstChunk + last),
      );
      window.push(bytes);
      window.finish();
    };
    const window = await readWindow(members, geometry, at, lengthBytes);
    for (const [slot, bytes] of window.bySlot.entries()) {
      scan(bytes, (first, last) => dirty[slot]?.push(first, last));
    }
    const clean: (readonly [number, number])[] = [];
    scan(
      window.covered.map((byte) => ~byte),
      (first, last) => clean.push([first, last]),
    );
    for (const [first, last] of clean) await onClean(first, last);
  }
  return { dirty };
}

interface Window {
  /** Set on any member, by slot. */
  readonly bySlot: readonly Uint8Array[];
  /** Set on every member in any slot. */
  readonly covered: Uint8Array;
}

async function readWindow(
  members: readonly ReadMember[],
  geometry: SlotGeometry,
  at: number,
  lengthBytes: number,
): Promise<Window> {
  const slots = Math.max(geometry.nodes, 1);
  const bySlot = Array.from({ length: slots }, () => new Uint8Array(lengthBytes));
  const covered = new Uint8Array(lengthBytes).fill(members.length === 0 ? 0 : 0xff);
  for (const member of members) {
    const ofMember = new Uint8Array(lengthBytes);
    for (const [slot, ofSlot] of bySlot.entries()) {
      const bytes = await readBits(member, geometry, slot, at, lengthBytes);
      for (let index = 0; index < bytes.length; index++) {
        const byte = bytes[index] ?? 0;
        if (byte === 0) continue;
        ofMember[index] = (ofMember[index] ?? 0) | byte;
        ofSlot[index] = (ofSlot[index] ?? 0) | byte;
      }
    }
    for (let index = 0; index < lengthBytes; index++) {
      covered[index] = (covered[index] ?? 0) & (ofMember[index] ?? 0);
    }
  }
  return { bySlot, covered };
}

/** What a file of metadata alone lacks behind its end is zero. */
async function readBits(
  { source, metadata }: ReadMember,
  geometry: SlotGeometry,
  slot: number,
  at: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  const offsetBytes = slotSector(geometry, slot) * SECTOR_BYTES + BITMAP_SUPERBLOCK_BYTES + at;
  const bytes = await source.readAt(offsetBytes, lengthBytes);
  if (bytes.length < lengthBytes && !metadata.metadataImage) {
    throw truncated(source, `bitmap of slot ${slot}`, offsetBytes, lengthBytes);
  }
  return bytes;
}
