/**
 * Leaving an array in order (spec §4.6): the bitmap is flushed as md does at a stop, a resync that is not finished is
 * handed to the others, and then everything is given up.
 */
import { daemonPass } from "./daemon.js";
import { dieOf } from "./death.js";
import { reportFailures } from "./device-failure.js";
import { writeListedPages } from "./member-output.js";
import type { NodeState } from "./node-state.js";
import { endWindow } from "./sync-run.js";

/**
 * From the call on no write starts any more.
 * @throws SlotmarkError `array-failed`, LockError ETIMEDOUT where the others do not answer; the node is gone all the same
 */
export async function leaveCluster(state: NodeState): Promise<void> {
  state.startLeaving();
  const errors: unknown[] = [];
  for (const step of [endOwnAdds, reportFailures, stopSync, flushBitmap, reportFailures, handOn]) {
    try {
      await step(state);
    } catch (error) {
      dieOf(state, error);
      if (state.gone) throw error;
      errors.push(error);
    }
  }
  state.end("left");
  if (!state.lockspace.gone) await state.lockspace.leave({ force: true });
  if (errors.length > 0) throw errors[0];
}

async function endOwnAdds({ newDisk }: NodeState): Promise<void> {
  await newDisk.ownAddsEnded();
}

async function stopSync({ sync }: NodeState): Promise<void> {
  await sync.stop();
}

async function handOn(state: NodeState): Promise<void> {
  if (isUnfinished(state)) await state.messenger.send({ type: "BITMAP_NEEDS_SYNC" });
  else await endWindow(state);
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
