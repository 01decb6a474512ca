/**
 * The md thread of a node: its daemon passes, at the times that md would run them or on call.
 */

import { monotonicNs } from "../storage/monotonic.js";
import type { PageCause } from "./cluster-event.js";
import { writeListedPages } from "./member-output.js";
import type { NodeState } from "./node-state.js";

const NS_PER_MS = 1e6;

/** One pass now, whatever the time. */
export function daemonPass(state: NodeState, cause: PageCause = "daemon"): void {
  writeListedPages(state, state.bitmap.daemonPass(), cause);
}

/** A wake of the md thread: a pass where one is due; then its timer. */
export function wakeMdThread(state: NodeState): void {
  const { mdThread, bitmap } = state;
  if (mdThread.wake(monotonicNs(), bitmap.allClean)) daemonPass(state);
  mdThread.arm(bitmap.allClean);
}

/** Runs the md thread's own timer until the node ends. `failed` gets what a pass threw. */
export function startDaemon(state: NodeState, failed: (error: unknown) => void): void {
  let timer: NodeJS.Timeout | undefined;
  const sleep = () => {
    const aheadMs = (state.mdThread.wakesAtNs - monotonicNs()) / NS_PER_MS;
    // The thread may be armed by a write meanwhile: asked again at least once a pass's time.
    const everyMs = sleepMs(state);
    timer = setTimeout(wake, Math.max(1, Math.min(aheadMs, everyMs)));
    timer.unref();
  };
  const wake = () => {
    if (state.gone) return;
    try {
      if (monotonicNs() >= state.mdThread.wakesAtNs) wakeMdThread(state);
    } catch (error) {
      failed(error);
    }
    if (!state.gone) sleep();
  };
  state.onEnd(() => clearTimeout(timer));
  sleep();
}

export function sleepMs({
  options,
  bitmapSuperblock,
}: Pick<NodeState, "options" | "bitmapSuperblock">): number {
  return options.daemonSleepMs ?? bitmapSuperblock.daemonSleepSeconds * 1000;
}
