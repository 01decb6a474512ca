/**
 * The embedded backend: a node of a lockspace that all threads of this process share.
 */
import { loadAddon } from "./addon.js";
import { LockError, refusable } from "./lock-error.js";
import { LockNode } from "./lock-node.js";
import type { OwnSlot, RecoveryEvent } from "./lockspace.js";
import { NodeLockspace } from "./node-lockspace.js";
import { takeOwnSlot } from "./own-slot.js";

export interface EmbeddedJoin {
  /** 1 to 64 bytes. Every thread of this process that names it joins the same lockspace. */
  readonly lockspace: string;
  /** From 1; one number, one node. */
  readonly node: number;
  /**
   * What the others see when this thread ends without leaving: a clean departure (default), or a death, with recovery and
   * value blocks that may be invalid.
   */
  readonly onExit?: "leave" | "die";
  readonly onRecovery?: (event: RecoveryEvent) => void;
}

/**
 * Joins at once. The node is this thread's own: N worker threads that join are N nodes.
 * @throws LockError EEXIST for a number that is in use, EINVAL for number 0 and for names that are empty or too long
 */
export function joinEmbeddedLockspace(join: EmbeddedJoin): EmbeddedLockspace {
  return new EmbeddedLockspace(join);
}

export class EmbeddedLockspace extends NodeLockspace {
  readonly lvbUsableBytes = 64;

  constructor({ lockspace, node, onExit, onRecovery }: EmbeddedJoin) {
    if (!Number.isInteger(node) || node < 1 || node > 0xffff_ffff) {
      throw new LockError(
        "EINVAL",
        "dlm-node-number",
        `node number ${String(node)} is no integer from 1 to 4294967295`,
        "Use a number of 1 or more.",
      );
    }
    const join = (notify: () => void) =>
      refusable(
        () => `joining lockspace ${JSON.stringify(lockspace)} as node ${node}`,
        () => new (loadAddon().DlmNode)(lockspace, node, onExit === "die", notify),
      );
    super(new LockNode(lockspace, "embedded", join, onRecovery, node));
  }

  holdOwnSlot({ signal }: { readonly signal?: AbortSignal } = {}): Promise<OwnSlot> {
    return takeOwnSlot(this, signal);
  }

  /**
   * Declares other nodes dead, all at once, whether or not their threads live: what a cluster does to a node that it has
   * lost. Embedded only. @throws LockError ENOENT where one is no member; then nothing happens
   */
  declareDead(nodes: readonly number[]): void {
    this.lockNode.declareDead(nodes);
  }
}
