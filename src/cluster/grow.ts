/**
 * Growing a running array (mdadm --grow --size, spec §6.4): every node takes the new size from the superblocks and resizes its
 * bitmap; only where all slots have it, unused ones too, the capacity changes everywhere. Else all go back.
 */
import { putSuperblock } from "../bitmap/superblock-fields.js";
import { LockError } from "../dlm/lock-error.js";
import { SlotmarkError } from "../errors.js";
import { parseBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import { PAGE_BYTES, SECTOR_BYTES, slotSector } from "../ondisk/slot-geometry.js";
import { readFromMembers, writePage } from "./member-output.js";
import type { Token } from "./messenger.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";
import { setBits } from "./rechunked-image.js";
import { requireResizable, resizeBitmap, resizedImage } from "./resize-bitmap.js";
import { probeSlot } from "./slot-lock.js";
import { needResync } from "./sync-work.js";

/**
 * Grows the array to so many sectors of each member. What is new is resynced.
 * @throws SlotmarkError `size-not-larger`, `member-too-small`, `slots-would-move`, `resync-under-way` (EBUSY),
 * `slots-disagree` (the array then has its old size); LockError ETIMEDOUT
 */
export async function growArray(state: NodeState, sizeSectors: number): Promise<void> {
  const { channel } = state;
  await takeResyncNow(state);
  try {
    await state.messenger.withToken((token) => grow(state, sizeSectors, token));
  } finally {
    if (!state.gone) await channel.convertResync("NL");
  }
}

/** While a node resyncs its bitmap must stay as it is. */
async function takeResyncNow({ channel }: NodeState): Promise<void> {
  try {
    await channel.convertResync("EX", { wait: "no" });
  } catch (error) {
    if (!(error instanceof LockError) || error.errnoName !== "EAGAIN") throw error;
    throw new SlotmarkError(
      "refused",
      "resync-under-way",
      "EBUSY: a node of the cluster is resyncing",
      "wait until the resync is done",
    );
  }
}

async function grow(state: NodeState, sizeSectors: number, token: Token): Promise<void> {
  const before = state.geometry;
  requireRoom(state, sizeSectors);
  requireResizable(state, sizeSectors);
  await updateMetadata(state, { token, change: () => takeSize(state, sizeSectors) });
  try {
    await resizeFreeSlots(state);
    requireAllSlots(state);
  } catch (error) {
    if (!state.gone) {
      await updateMetadata(state, { token, change: () => takeSize(state, before.syncSizeSectors) });
      await resizeFreeSlots(state);
    }
    throw error;
  }
  await token.send({ type: "CHANGE_CAPACITY" });
  changeCapacity(state);
  markNew(state, before.syncSizeSectors);
}

/** Sets size and bitmap; the superblocks follow. */
function takeSize(state: NodeState, sizeSectors: number): true {
  resizeBitmap(state, sizeSectors);
  state.superblock = { ...state.superblock, sizeSectors: BigInt(sizeSectors) };
  return true;
}

/** From CHANGE_CAPACITY on writes may reach to the new end. */
export function changeCapacity(state: NodeState): void {
  state.capacitySectors = state.geometry.syncSizeSectors;
  state.settledGeometry = state.geometry;
}

/** Members have never been made alike behind the old end. */
function markNew(state: NodeState, oldSizeSectors: number): void {
  const { chunks, chunkSectors } = state.geometry;
  const first = Math.floor(oldSizeSectors / chunkSectors);
  const image = new Uint8Array(state.bitmap.image.length);
  setBits(image, first, chunks);
  state.bitmap.merge(image);
  needResync(state, { first, last: chunks - 1 });
}

function requireRoom(state: NodeState, sizeSectors: number): void {
  const { syncSizeSectors } = state.geometry;
  if (!Number.isSafeInteger(sizeSectors) || sizeSectors <= syncSizeSectors) {
    throw new SlotmarkError(
      "usage",
      "size-not-larger",
      `a size of ${sizeSectors} sectors is not larger than the array's, ${syncSizeSectors}`,
      "choose a larger size",
    );
  }
  for (const { device, dataOffsetBytes } of state.members.written) {
    const room = Math.floor((device.sizeBytes - dataOffsetBytes) / SECTOR_BYTES);
    if (sizeSectors <= room) continue;
    throw new SlotmarkError(
      "input",
      "member-too-small",
      `${device.path} has room for ${room} sectors of data, not for ${sizeSectors}`,
      "choose a smaller size, or enlarge the member first",
    );
  }
}

/** Slots that nobody has are told the new size. */
async function resizeFreeSlots(state: NodeState): Promise<void> {
  for (let slot = 0; slot < state.geometry.nodes; slot++) {
    if (slot === state.slot) continue;
    const found = await probeSlot(state, slot);
    if (!("free" in found)) continue;
    try {
      resizeUnused(state, slot);
    } finally {
      await found.free.release();
    }
  }
}

/** That every slot says the new size. @throws SlotmarkError `slots-disagree` */
function requireAllSlots(state: NodeState): void {
  const { geometry } = state;
  for (let slot = 0; slot < geometry.nodes; slot++) {
    if (slot === state.slot) continue;
    const { syncSizeSectors, chunkBytes } = parseBitmapSuperblock(slotImage(state, slot, 1));
    if (Number(syncSizeSectors) === geometry.syncSizeSectors && chunkBytes === geometry.chunkBytes) continue;
    throw new SlotmarkError(
      "refused",
      "slots-disagree",
      `slot ${slot} covers ${syncSizeSectors} sectors in chunks of ${chunkBytes} bytes, not ${geometry.syncSizeSectors} in chunks of ${geometry.chunkBytes}: its node has not followed`,
      "look at that node, then try again",
    );
  }
}

/** md writes its superblock alone; where chunks have grown its bits would then stand for others. */
function resizeUnused(state: NodeState, slot: number): void {
  const { geometry } = state;
  const found = slotImage(state, slot, geometry.pagesPerSlot);
  const { events, eventsCleared, chunkBytes, syncSizeSectors } = parseBitmapSuperblock(found);
  const chunkSectors = chunkBytes / SECTOR_BYTES;
  const chunks = Math.ceil(Number(syncSizeSectors) / chunkSectors);
  const image = resizedImage(state, found, { chunks, chunkSectors });
  putSuperblock(image, geometry, Number(events), Number(eventsCleared));
  const pages = chunkBytes === geometry.chunkBytes ? 1 : geometry.pagesPerSlot;
  for (let page = pages - 1; page >= 0; page--) writePage(state, slot, page, image, "superblock");
}

function slotImage(state: NodeState, slot: number, pages: number): Uint8Array {
  const offsetBytes = slotSector(state.geometry, slot) * SECTOR_BYTES;
  return readFromMembers(state, () => offsetBytes, pages * PAGE_BYTES);
}
