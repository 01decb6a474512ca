/**
 * What a node has to bring in line: chunks in which members in sync may differ (resync), or a member that lacks what the
 * others have (rebuild). Every node that knows of such work waits for `resync` in EX and looks again once it has it: the
 * first does the work, for the others nothing is left (spec §4.5).
 */
import type { ArrayMember } from "./array-members.js";
import { bringSlots } from "./bring-slots.js";
import { clearNeeded } from "./clear-needed.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";

export type SyncWork =
  | {
      readonly kind: "resync";
      /** NEEDED chunks of the own slot from here on. */
      readonly fromSector: number;
    }
  | {
      readonly kind: "rebuild";
      readonly member: ArrayMember;
      /** Only the chunks whose bits are set in some slot; else all from `fromSector` on. */
      readonly byBitmap: boolean;
      readonly fromSector: number;
    };

/** What comes next: a member that lacks something before a resync, as md has it. Null where there is nothing. */
export function nextSyncWork(state: NodeState): SyncWork | null {
  // Mainline leaves the rebuild to the node that placed the member; the others take it for activated (golden/writes 15).
  const anyNode = state.options.variant === "safe";
  const member = state.members.recovering.find(({ placedHere }) => anyNode || placedHere);
  if (member !== undefined) {
    const { recoversByBitmap: byBitmap, recoveredSectors: fromSector } = member;
    return { kind: "rebuild", member, byBitmap, fromSector };
  }
  const fromSector = state.resyncFromSector;
  return fromSector === Number.POSITIVE_INFINITY ? null : { kind: "resync", fromSector };
}

/**
 * Chunks have become NEEDED in which members in sync may differ: the sync thread is to look.
 * @param chunks null for none
 * @returns whether there is anything to resync
 */
export function needResync(
  state: NodeState,
  chunks: { readonly first: number; readonly last: number } | null,
): boolean {
  if (chunks === null) return false;
  // md takes the beginning of the last chunk for the end of them all: chunk 0 alone goes unnoticed (spec §4.3).
  if (state.options.variant !== "safe" && chunks.last === 0) return false;
  const sector = chunks.first * state.geometry.chunkSectors;
  state.resyncFromSector = Math.min(state.resyncFromSector, sector);
  state.resyncRequests++;
  state.sync.wake();
  return true;
}

/**
 * A rebuilt member has everything: tells all nodes that it is in sync, unless it failed meanwhile.
 * @throws as `updateMetadata`
 */
export async function finishRebuild(state: NodeState, member: ArrayMember): Promise<void> {
  await bringSlots(state, member);
  const change = () => {
    if (typeof member.role !== "number" || state.members.get(member.deviceNumber) !== member) return false;
    member.recoveredSectors = Number.POSITIVE_INFINITY;
    member.recoversByBitmap = false;
    state.tell({ kind: "memberInSync", device: member.deviceNumber });
    return true;
  };
  await updateMetadata(state, { change });
  clearNeeded(state);
}
