/**
 * The turn to add disks, one for the whole cluster: two that write to the same device would end with neither. mdadm's is a
 * lock of its own as well, `bitmap<cluster>` in another lockspace.
 */
import type { LockHandle } from "../dlm/lockspace.js";
import { completedWithin } from "./lock-wait.js";
import type { NodeState } from "./node-state.js";

const RESOURCE = "add-disk";

/** @throws LockError ETIMEDOUT where others keep it too long, ESHUTDOWN; what `work` throws */
export async function withAddTurn<T>(state: NodeState, work: () => Promise<T>): Promise<T> {
  const { lock, completion } = state.lockspace.request(RESOURCE, "PW");
  await completedWithin(
    lock,
    completion,
    state.options.timeouts.addTurnMs,
    "waiting for the turn to add a disk",
  );
  return await inTurn(state, lock, work);
}

/** Does nothing where somebody has the turn. @throws as `withAddTurn` */
export async function ifNobodyAdds(state: NodeState, work: () => Promise<void>): Promise<void> {
  const { lock, completion } = state.lockspace.request(RESOURCE, "PW", { flags: ["NOQUEUE"] });
  const { status } = await completedWithin(
    lock,
    completion,
    state.options.timeouts.addTurnMs,
    "asking for the turn to add a disk",
  );
  if (status === "granted") await inTurn(state, lock, work);
}

async function inTurn<T>(state: NodeState, lock: LockHandle, work: () => Promise<T>): Promise<T> {
  try {
    state.requireAlive();
    return await work();
  } finally {
    if (!state.lockspace.gone) await lock.unlock();
  }
}
