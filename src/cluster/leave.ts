/**
 * Leaving an array in order (spec §4.6): the bitmap is flushed as md does at a stop, a resync that is not finished is
 * handed to the others, and then everything is given up.
 */
import { daemonPass } from "./daemon.js";
import { writeListedPages } from "./member-output.js";
import type { NodeState } from "./node-state.js";

/** @throws SlotmarkError `array-failed`; the node is gone all the same */
export async function leaveCluster(state: NodeState): Promise<void> {
  try {
    await state.newDisk.ownAddsEnded();
    await state.sync.stop();
    flushBitmap(state);
    if (isUnfinished(state)) {
      await state.messenger.send({ type: "BITMAP_NEEDS_SYNC" });
    }
  } finally {
    state.end("left");
    if (!state.lockspace.gone) await state.lockspace.leave({ force: true });
  }
}

/** `safe` hands on whatever bit is left, as of writes that a missing member has not got. */
function isUnfinished({ resyncFromSector, bitmap, options }: NodeState): boolean {
  if (resyncFromSector !== Number.POSITIVE_INFINITY) return true;
  return options.variant === "safe" && bitmap.countDirtyChunks() > 0;
}

/** Three passes, then the superblock (spec §3.4; golden/writes finding 11). */
export function flushBitmap(state: NodeState): void {
  for (let pass = 0; pass < 3; pass++) daemonPass(state, "stop");
  writeListedPages(state, state.bitmap.updateSuperblock(), "superblock");
}
