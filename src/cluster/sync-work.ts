/**
 * What a node has to bring in line: chunks in which members in sync may differ (resync), or a member that lacks what the
 * others have (rebuild). Every node that knows of such work waits for `resync` in EX and looks again once it has it: the
 * first does the work, for the others nothing is left (spec §4.5).
 */
import type { ArrayMember } from "./array-members.js";
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
  const [member] = state.members.recovering;
  if (member !== undefined) {
    const { recoversByBitmap: byBitmap, recoveredSectors: fromSector } = member;
    return { kind: "rebuild", member, byBitmap, fromSector };
  }
  const fromSector = state.resyncFromSector;
  return fromSector === Number.POSITIVE_INFINITY ? null : { kind: "resync", fromSector };
}

/**
 * A rebuilt member has everything: tells all nodes that it is in sync, unless it failed meanwhile.
 * @throws as `updateMetadata`
 */
export async function finishRebuild(state: NodeState, member: ArrayMember): Promise<void> {
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
