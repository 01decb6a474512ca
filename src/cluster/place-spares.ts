/**
 * What md does with a spare (remove_and_add_spares): it takes a place of the array that no member has, and gets every write
 * from then on. What it lacks, a rebuild brings. Every node that sees both tries, under the token; the first one does it.
 */
import { PAGE_BYTES, pageSector, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import { ifNobodyAdds } from "./add-turn.js";
import type { ArrayMember } from "./array-members.js";
import { writeTo } from "./member-output.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";
import { bitmapsReachBackTo } from "./returning-device.js";

const PIECE_BYTES = 1 << 20;

/**
 * As `placeSpares`, but leaves a disk that is just being added to whoever adds it, who knows more about one that comes back.
 * @throws as `updateMetadata`; LockError
 */
export async function placeLeftSpares(state: NodeState): Promise<void> {
  if (isPossible(state)) await ifNobodyAdds(state, () => placeSpares(state));
}

/** @throws as `updateMetadata` */
export async function placeSpares(state: NodeState): Promise<void> {
  if (!isPossible(state)) return;
  const placed: ArrayMember[] = [];
  const change = () => {
    for (const place of emptyPlaces(state)) {
      const [spare] = spares(state);
      if (spare === undefined) break;
      placeMember(state, spare, place);
      placed.push(spare);
    }
    return placed.length > 0;
  };
  await updateMetadata(state, { change });
}

/**
 * Gives a member a place that is empty; a rebuild brings what it lacks, by the bitmaps where they go back far enough. Under
 * the token.
 */
export function placeMember(state: NodeState, member: ArrayMember, place: number): void {
  const { returnedAtEvents } = member;
  member.recoversByBitmap = returnedAtEvents !== null && bitmapsReachBackTo(state, returnedAtEvents);
  member.role = place;
  member.recoveredSectors = 0;
  member.returnedAtEvents = null;
  member.placedHere = true;
  writeOwnSlot(state, member);
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

function isPossible(state: NodeState): boolean {
  return emptyPlaces(state).length > 0 && spares(state).length > 0;
}

/** Of the array, in their order. */
export function emptyPlaces(state: NodeState): number[] {
  const taken = new Set(state.members.all.map(({ role }) => role));
  return Array.from({ length: state.superblock.raidDisks }, (_, place) => place).filter(
    (place) => !taken.has(place),
  );
}

function spares(state: NodeState): ArrayMember[] {
  return state.members.all.filter(({ role, candidate }) => role === "spare" && !candidate);
}
