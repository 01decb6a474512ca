/**
 * What a node does with its NEEDED chunks when the array is whole again.
 */
import type { NodeState } from "./node-state.js";

/**
 * Lets chunks age that were written while a member was missing: that member has them now, copied from what every slot
 * said, or written since. Where a resync is still due the chunks stay, since in them members in sync may differ.
 */
export function clearNeeded(state: NodeState): void {
  const { bitmap, geometry } = state;
  if (state.degraded || state.resyncFromSector !== Number.POSITIVE_INFINITY) return;
  if (bitmap.countDirtyChunks() === 0) return;
  for (let sector = 0; sector < geometry.syncSizeSectors; ) {
    sector += bitmap.startSync(sector, false).sectors;
  }
  bitmap.closeSync();
  noteBitsGo(state);
}

/**
 * To be called before bits go that a missing member may need: one that was away before now cannot come back by the bitmaps
 * alone. The slot says so before the first of the bits is cleared on disk. md says it at the next write alone.
 */
export function noteBitsGo({ bitmap, events, options }: NodeState): void {
  if (options.variant !== "safe" || bitmap.eventsCleared >= events) return;
  bitmap.eventsCleared = events;
  bitmap.needSync = true;
}
