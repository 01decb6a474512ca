/**
 * The kernel backend: the Linux DLM through libdlm, for nodes on different machines (design, "Backends").
 */
import { existsSync } from "node:fs";
import { SlotmarkError } from "../errors.js";
import { type KernelJoin, loadAddon } from "./addon.js";
import { LockError, sentence } from "./lock-error.js";
import { LockNode } from "./lock-node.js";
import type { OwnSlot, RecoveryEvent } from "./lockspace.js";
import { NodeLockspace } from "./node-lockspace.js";
import { SlotLock, slotResource } from "./own-slot.js";

export interface KernelLockspaceJoin {
  /** Its lockspace is `slotmark-<uuid>`, never the kernel's own, which must not exist on this machine. */
  readonly arrayUuid: string;
  /** How many slots the array has; the node takes the first that is free. */
  readonly slots: number;
  /** As of the embedded backend; here also for the whole process. */
  readonly onExit?: "leave" | "die";
  /** `recoverSlot` alone: user space hears of deaths, not of the recovery's steps. A node's number is its slot. */
  readonly onRecovery?: (event: RecoveryEvent) => void;
}

/**
 * Joins, which takes the cluster a moment. Operations may hold this thread up while the cluster's membership changes.
 * @throws SlotmarkError that says what is missing and how to get it: `dlm-library-missing`, `dlm-library-too-old`,
 * `dlm-device-missing`, `dlm-not-permitted`, `dlm-cluster-not-joined`, `dlm-array-is-running`, `dlm-no-free-slot`, …
 */
export async function joinKernelLockspace(join: KernelLockspaceJoin): Promise<KernelLockspace> {
  const { arrayUuid, slots } = join;
  if (!Number.isInteger(slots) || slots < 1 || slots > 64) {
    throw new LockError("EINVAL", "dlm-slots", `an array cannot have ${String(slots)} slots`, "Use 1 to 64.");
  }
  const joining = await new Promise<KernelJoin>((resolve) => {
    const started: KernelJoin = new (loadAddon().KernelJoin)(arrayUuid, slots, () => resolve(started));
  });
  const attach = (notify: () => void) => {
    try {
      const node = joining.take(join.onExit === "die", notify);
      if (node !== null) return node;
    } catch (error) {
      throw joinError(error);
    }
    throw new Error("the addon has no outcome of the join");
  };
  return new KernelLockspace(new LockNode(lockspaceName(arrayUuid), "kernel", attach, join.onRecovery));
}

/** Where this machine's kernel shows its lockspaces. */
const LOCKSPACES = "/sys/kernel/dlm";

/**
 * The name of the array's lockspace where this machine has joined it, for whatever process: one that was killed leaves it joined,
 * without a member of it. Null where it has not.
 */
export function kernelLockspaceLeftBehind(arrayUuid: string): string | null {
  const name = lockspaceName(arrayUuid);
  return existsSync(`${LOCKSPACES}/${name}`) ? name : null;
}

function lockspaceName(arrayUuid: string): string {
  return `slotmark-${arrayUuid}`;
}

export class KernelLockspace extends NodeLockspace {
  readonly lvbUsableBytes = 32;

  /** Made by `joinKernelLockspace`. */
  constructor(node: LockNode) {
    super(node);
  }

  /** The native side has held the lock since the join; here is the way to its value block. */
  holdOwnSlot(): Promise<OwnSlot> {
    const { slot } = this;
    const resource = slotResource(slot);
    const write = (range: Uint8Array) => this.lockNode.publishResyncRange(resource, range);
    return Promise.resolve(new SlotLock(slot, write, () => Promise.resolve()));
  }
}

/** `kernel`, the code, message and remedy, one a line. */
function joinError(error: unknown): unknown {
  const lines = error instanceof Error ? error.message.split("\n") : [];
  const [origin, code, message, remedy] = lines;
  if (origin !== "kernel" || code === undefined || message === undefined || remedy === undefined)
    return error;
  return new SlotmarkError("refused", code, message, sentence(remedy));
}
