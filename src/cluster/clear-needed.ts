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
  // A device that has been away from before now cannot come back by the bitmap alone: these bits go.
  if (bitmap.eventsCleared < state.events) {
    bitmap.eventsCleared = state.events;
    bitmap.needSync = true;
  }
}
