/**
 * What a node that joins asks of the other slots (spec §4.2): a slot that nobody has is taken over, bits and all; a live
 * owner says which range it resyncs.
 */
import { monotonicNs } from "../storage/monotonic.js";
import { copyFromSlot } from "./copy-from-slot.js";
import type { NodeState } from "./node-state.js";
import { probeSlot } from "./slot-lock.js";
import { needResync } from "./sync-work.js";

/** @throws LockError ETIMEDOUT, ESHUTDOWN; SlotmarkError `array-failed`, `node-gone` */
export async function gatherSlots(state: NodeState): Promise<void> {
  for (let slot = 0; slot < state.geometry.nodes; slot++) {
    if (slot !== state.slot) await gatherSlot(state, slot);
  }
}

async function gatherSlot(state: NodeState, slot: number): Promise<void> {
  const found = await probeSlot(state, slot);
  if ("range" in found) {
    const { lowSector, highSector } = found.range;
    if (highSector > 0) {
      const nowNs = monotonicNs();
      state.suspended.suspend(slot, lowSector, highSector, nowNs);
      state.tell({ kind: "writersSuspended", bySlot: slot, lowSector, highSector }, nowNs);
    }
    return;
  }
  try {
    const atNs = monotonicNs();
    // Mainline leaves the bits where they were, also once the slot's next owner has long resynced them.
    const clear = state.options.variant === "safe";
    const { chunks, dirtyChunks } = copyFromSlot(state, slot, { clear });
    if (!needResync(state, chunks)) return;
    const durationNs = monotonicNs() - atNs;
    state.tell(
      { kind: "recovery", phase: "gathered", deadSlot: slot, chunks: dirtyChunks, durationNs },
      atNs,
    );
  } finally {
    await found.free.release();
  }
}
