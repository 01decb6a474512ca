/**
 * What md does with a spare (remove_and_add_spares): it takes a place of the array that no member has, and gets every write
 * from then on. What it lacks, a rebuild brings.
 */
import { PAGE_BYTES, pageSector, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { ArrayMember } from "./array-members.js";
import { monotonicNs } from "./control.js";
import { writeTo } from "./member-output.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";

const PIECE_BYTES = 1 << 20;

/** @throws as `updateMetadata` */
export async function placeSpares(state: NodeState): Promise<void> {
  const possible = () => emptyPlaces(state).length > 0 && spares(state).length > 0;
  if (!possible()) return;
  const placed: ArrayMember[] = [];
  const change = () => {
    for (const place of emptyPlaces(state)) {
      const [spare] = spares(state);
      if (spare === undefined) break;
      spare.role = place;
      spare.recoveredSectors = 0;
      spare.recoversByBitmap = false;
      placed.push(spare);
    }
    if (placed.length === 0) return false;
    for (const member of placed) writeOwnSlot(state, member);
    return true;
  };
  await updateMetadata(state, { change });
}

/**
 * Brings this node's slot to a member that has just got a place: from now on it gets each page as it is written. One
 * durable write at the end takes the others with it.
 */
export function writeOwnSlot(state: NodeState, member: ArrayMember): void {
  const { bitmap, geometry, options } = state;
  if (options.variant !== "safe") {
    // md writes them with the next pass, or with the next pages that must be written.
    bitmap.writeAll();
    return;
  }
  const { image, slot } = bitmap;
  const startBytes = pageSector(geometry, slot, 0) * SECTOR_BYTES;
  const atNs = monotonicNs();
  for (let at = PAGE_BYTES; at < image.byteLength; at += PIECE_BYTES) {
    const piece = image.subarray(at, at + PIECE_BYTES);
    if (!writeTo(state, member, startBytes + at, piece, { kind: "copy" })) return;
  }
  const purpose = { kind: "page", slot, page: 0, cause: "newDisk" } as const;
  if (!writeTo(state, member, startBytes, image.subarray(0, PAGE_BYTES), purpose)) return;
  const { byteLength: lengthBytes } = image;
  const devices = [member.deviceNumber];
  const durationNs = monotonicNs() - atNs;
  state.tell({ kind: "pageWrite", slot, page: 0, lengthBytes, cause: "newDisk", devices, durationNs }, atNs);
}

function emptyPlaces(state: NodeState): number[] {
  const taken = new Set(state.members.all.map(({ role }) => role));
  return Array.from({ length: state.superblock.raidDisks }, (_, place) => place).filter(
    (place) => !taken.has(place),
  );
}

function spares(state: NodeState): ArrayMember[] {
  return state.members.all.filter(({ role, candidate }) => role === "spare" && !candidate);
}
