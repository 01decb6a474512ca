/**
 * Waiting for a lock with a limit: what is not granted in time is taken back, so that nobody hangs.
 */
import { LockError } from "../dlm/lock-error.js";
import type { Completion, LockHandle } from "../dlm/lockspace.js";

/**
 * @param attempted for the message, for example `bitmap0001 in PW`
 * @returns the completion, granted, or refused by NOQUEUE
 * @throws LockError ETIMEDOUT where time is over, else EDEADLK, ECANCEL, ESHUTDOWN as the completion says
 */
export async function completedWithin(
  lock: LockHandle,
  completion: Promise<Completion>,
  timeoutMs: number,
  attempted: string,
): Promise<Completion> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    cancelOf(lock);
  }, timeoutMs);
  try {
    const ended = await completion;
    if (ended.status === "granted" || ended.status === "EAGAIN") return ended;
    if (late && ended.status === "ECANCEL") {
      throw new LockError(
        "ETIMEDOUT",
        "lock-timed-out",
        `${attempted}: not granted within ${timeoutMs} ms`,
        "look for a node that hangs, or raise the time-out",
      );
    }
    throw new LockError(
      ended.status,
      `lock-${ended.status.toLowerCase()}`,
      `${attempted}: ${ended.status}`,
      ended.status === "ESHUTDOWN" ? "join again" : "try again",
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Of a node that has just left or died there is nothing to cancel, and the completion is on its way. */
function cancelOf(lock: LockHandle): void {
  try {
    lock.cancel();
  } catch (error) {
    if (!(error instanceof LockError) || error.errnoName !== "ESHUTDOWN") throw error;
  }
}
