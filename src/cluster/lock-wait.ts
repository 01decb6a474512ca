/**
 * Waiting for a lock with a limit: what is not granted in time is taken back, so that nobody hangs.
 */
import { LockError } from "../dlm/lock-error.js";
import type { Completion, LockHandle } from "../dlm/lockspace.js";

/**
 * @param attempted for the message, for example `converting bitmap0001 to PW`
 * @throws LockError ETIMEDOUT where time is over, else the completion's status
 */
export async function grantedWithin(
  lock: LockHandle,
  completion: Promise<Completion>,
  timeoutMs: number,
  attempted: string,
): Promise<Completion> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    lock.cancel();
  }, timeoutMs);
  try {
    const ended = await completion;
    if (ended.status === "granted") return ended;
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
