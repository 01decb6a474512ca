/**
 * The slots on a member that has been rebuilt: its own every node brings when it learns of the member, those that nobody has
 * are brought here. Else the member would come in sync with bits that have long been cleared elsewhere, and whoever reads
 * the slot next would take them for somebody's.
 */
import { pageSector, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { ArrayMember } from "./array-members.js";
import { readSlot } from "./copy-from-slot.js";
import { writeTo } from "./member-output.js";
import type { NodeState } from "./node-state.js";
import { takeOrphanedSlot } from "./slot-lock.js";

/**
 * Brings what the members in sync have in each slot without an owner. Every node writes to the member by now, so that what
 * is recovered or joined meanwhile reaches it too. md does nothing of the kind.
 * @throws LockError ESHUTDOWN, SlotmarkError `array-failed`, `node-gone`
 */
export async function bringSlots(state: NodeState, member: ArrayMember): Promise<void> {
  if (state.options.variant !== "safe") return;
  for (let slot = 0; slot < state.geometry.nodes; slot++) {
    if (slot === state.slot) continue;
    const taken = await takeOrphanedSlot(state, slot, null);
    if (taken === null) continue;
    try {
      state.requireAlive();
      const offsetBytes = pageSector(state.geometry, slot, 0) * SECTOR_BYTES;
      if (typeof member.role !== "number") return;
      if (!writeTo(state, member, offsetBytes, readSlot(state, slot), { kind: "copy" })) return;
    } finally {
      await taken.release();
    }
  }
}
