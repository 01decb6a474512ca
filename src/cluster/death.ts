/**
 * A node's death: it stops for good in the middle of whatever it does, and tells nobody. The others hear it from the
 * lockspace.
 */
import { EmbeddedLockspace } from "../dlm/embedded-lockspace.js";
import { LockError } from "../dlm/lock-error.js";
import type { Lockspace } from "../dlm/lockspace.js";
import { NodeDeath } from "./array-storage.js";
import type { NodeState } from "./node-state.js";

/** @throws LockError EOPNOTSUPP on the kernel's lock manager, where a node dies with its thread */
export function die(state: NodeState): void {
  if (state.gone) return;
  dieInLockspace(state.lockspace);
  state.end("died");
}

/** What a storage throws in place of a write ends the node; any other error is left alone. */
export function dieOf(state: NodeState, error: unknown): void {
  if (error instanceof NodeDeath) die(state);
}

export function dieInLockspace(lockspace: Lockspace): void {
  if (!(lockspace instanceof EmbeddedLockspace)) {
    throw new LockError(
      "EOPNOTSUPP",
      "die-needs-embedded",
      "a node of the kernel's lock manager dies with its thread or process alone",
      "end the thread that it lives on",
    );
  }
  if (!lockspace.gone) lockspace.declareDead([lockspace.node]);
}
