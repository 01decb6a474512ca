/**
 * How bitmap pages and data get to the members: to each that is written, one after the other. A member that fails becomes
 * faulty and the others go on; whoever wrote asks afterwards whether failures wait to be reported.
 */

import { SlotmarkError } from "../errors.js";
import { PAGE_BYTES, pageSector, pageWriteBytes, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import type { ArrayMember } from "./array-members.js";
import type { WritePurpose } from "./array-storage.js";
import type { PageCause } from "./cluster-event.js";
import { arrayFailed, memberFailed } from "./device-failure.js";
import type { NodeState } from "./node-state.js";

/**
 * Writes the pages that the bitmap has listed, to every member.
 * @throws SlotmarkError `array-failed`, `node-gone`
 */
export function writeListedPages(state: NodeState, count: number, cause: PageCause): void {
  const { bitmap } = state;
  for (let index = 0; index < count; index++) {
    writePage(state, bitmap.slot, bitmap.pages.page[index] ?? 0, bitmap.image, cause);
  }
  state.bitsOnDisk = bitmap.notePagesWritten(count);
}

/** One page of a slot out of the slot's whole image. */
export function writePage(
  state: NodeState,
  slot: number,
  page: number,
  image: Uint8Array,
  cause: PageCause,
): void {
  const { geometry } = state;
  const offsetBytes = pageSector(geometry, slot, page) * SECTOR_BYTES;
  const lengthBytes = pageWriteBytes(geometry, slot, page);
  const bytes = image.subarray(page * PAGE_BYTES, page * PAGE_BYTES + lengthBytes);
  const atNs = monotonicNs();
  const written = state.members.written.filter((member) =>
    writeTo(state, member, offsetBytes, bytes, { kind: "page", slot, page, cause }),
  );
  const devices = written.map(({ deviceNumber }) => deviceNumber);
  state.tell(
    { kind: "pageWrite", slot, page, lengthBytes, cause, devices, durationNs: monotonicNs() - atNs },
    atNs,
  );
}

/**
 * Writes data to every member's data area.
 * @returns whether all of the array's places got it
 * @throws SlotmarkError `array-failed`, `node-gone`
 */
export function writeData(state: NodeState, offsetBytes: number, bytes: Uint8Array): boolean {
  const written = state.members.written.filter((member) =>
    writeTo(state, member, member.dataOffsetBytes + offsetBytes, bytes, { kind: "data" }),
  );
  return written.length === state.superblock.raidDisks;
}

/** @returns false where the member failed, and now is faulty */
export function writeTo(
  state: NodeState,
  member: ArrayMember,
  offsetBytes: number,
  bytes: Uint8Array,
  purpose: WritePurpose,
): boolean {
  state.requireAlive();
  try {
    member.device.write(offsetBytes, bytes, purpose);
    return true;
  } catch (error) {
    if (!(error instanceof SlotmarkError) || error.kind !== "device") throw error;
    memberFailed(state, member, error);
    return false;
  }
}

/**
 * Reads from the first member in sync that can be read.
 * @param offsetBytes within the member, for each member
 * @throws SlotmarkError `array-failed`, `node-gone`
 */
export function readFromMembers(
  state: NodeState,
  offsetBytes: (member: ArrayMember) => number,
  lengthBytes: number,
): Uint8Array {
  for (;;) {
    state.requireAlive();
    const member = state.members.inSync[0];
    if (member === undefined) throw arrayFailed(state, undefined);
    try {
      return member.device.read(offsetBytes(member), lengthBytes);
    } catch (error) {
      if (!(error instanceof SlotmarkError) || error.kind !== "device") throw error;
      memberFailed(state, member, error);
    }
  }
}
