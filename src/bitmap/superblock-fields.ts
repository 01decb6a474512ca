/** Fields of page 0's bitmap superblock that a running bitmap rewrites (spec §1.2); the rest is as it was read. */
import type { SlotGeometry } from "../ondisk/slot-geometry.js";

const EVENTS_OFFSET_BYTES = 24;
const EVENTS_CLEARED_OFFSET_BYTES = 32;
const SYNC_SIZE_OFFSET_BYTES = 40;
const STATE_OFFSET_BYTES = 48;
const CHUNK_SIZE_OFFSET_BYTES = 52;
const NODES_OFFSET_BYTES = 68;
/** STALE is gone once the bitmap is loaded, and WRITE_ERROR is never stored. */
const TRANSIENT_STATE = 0x2 | 0x4;

/** What a pass writes where need_sync was set. */
export function putEventsCleared(image: Uint8Array, eventsCleared: number): void {
  viewOf(image).setBigUint64(EVENTS_CLEARED_OFFSET_BYTES, BigInt(eventsCleared), true);
}

/** What a superblock update writes. */
export function putSuperblock(
  image: Uint8Array,
  geometry: SlotGeometry,
  events: number,
  eventsCleared: number,
): void {
  const view = viewOf(image);
  view.setBigUint64(EVENTS_OFFSET_BYTES, BigInt(events), true);
  view.setBigUint64(EVENTS_CLEARED_OFFSET_BYTES, BigInt(eventsCleared), true);
  view.setBigUint64(SYNC_SIZE_OFFSET_BYTES, BigInt(geometry.syncSizeSectors), true);
  view.setUint32(STATE_OFFSET_BYTES, view.getUint32(STATE_OFFSET_BYTES, true) & ~TRANSIENT_STATE, true);
  view.setUint32(CHUNK_SIZE_OFFSET_BYTES, geometry.chunkBytes, true);
  view.setUint32(NODES_OFFSET_BYTES, geometry.nodes, true);
}

function viewOf(image: Uint8Array): DataView {
  return new DataView(image.buffer, image.byteOffset, image.byteLength);
}
