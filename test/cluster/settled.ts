/** Whether a node has nothing left to do by itself: nobody to recover, nothing to resync, nothing to tell. */
import type { ArrayNode } from "../../src/cluster/array-node.js";

export function isSettled({ state }: ArrayNode): boolean {
  return state.recovery.idle && state.sync.idle && state.settling.idle && state.failureReport === null;
}
