/** What a node is told when it joins an array, and the defaults. */
import type { Lockspace, RecoveryEvent } from "../dlm/lockspace.js";
import type { KernelBehaviour, Variant } from "../ondisk/slot-geometry.js";
import { type ArrayStorage, createArrayStorage } from "./array-storage.js";
import type { ClusterEvent } from "./cluster-event.js";

/** Every time-out of the protocol, in milliseconds. */
export interface ProtocolTimeouts {
  /** Of each single wait for a lock or a message (WAIT_DLM_LOCK_TIMEOUT). */
  readonly lockMs: number;
  /** How long a node looks for an announced device (NEW_DEV_TIMEOUT). */
  readonly newDeviceMs: number;
  /** How long a node waits for its turn to add a disk (mdadm tries ten times, 10 s apart). */
  readonly addTurnMs: number;
}

export const DEFAULT_TIMEOUTS: ProtocolTimeouts = { lockMs: 30_000, newDeviceMs: 5_000, addTurnMs: 100_000 };

export interface LockspaceRequest {
  readonly arrayUuid: string;
  readonly nodes: number;
  /** To be handed to the lockspace: what happens to other nodes. */
  readonly onRecovery: (event: RecoveryEvent) => void;
}

export interface JoinOptions {
  /** Joins the array's lockspace: its uuid and the number of slots are known by then. */
  readonly joinLockspace: (request: LockspaceRequest) => Lockspace | Promise<Lockspace>;
  /** Of the array's devices, as far as they are there. */
  readonly memberPaths: readonly string[];
  /** Where new devices may appear. */
  readonly visiblePaths?: readonly string[];
  /** The user's command for events, see `event-hook.ts`. */
  readonly eventCommand?: string;
  /** Who answers when another node announces a disk. `search`: hook and built-in search; `manual`: calls of the node alone. */
  readonly newDisks?: "search" | "manual";
  readonly variant?: Variant;
  readonly kernel?: KernelBehaviour;
  readonly timeouts?: Partial<ProtocolTimeouts>;
  readonly storage?: ArrayStorage;
  /** Time between daemon passes; default the superblock's. */
  readonly daemonSleepMs?: number;
  /** `manual`: passes run on call alone. */
  readonly daemon?: "timer" | "manual";
  /** `manual`: resync and rebuild run on call alone. */
  readonly sync?: "auto" | "manual";
  readonly onEvent?: (event: ClusterEvent) => void;
  /** Every lock call is an event too, which costs time. */
  readonly watchLocks?: boolean;
}

export interface NodeOptions {
  readonly visiblePaths: readonly string[];
  readonly eventCommand: string | undefined;
  readonly newDisks: "search" | "manual";
  readonly variant: Variant;
  readonly kernel: KernelBehaviour;
  readonly timeouts: ProtocolTimeouts;
  readonly storage: ArrayStorage;
  readonly daemonSleepMs: number | undefined;
  readonly daemon: "timer" | "manual";
  readonly sync: "auto" | "manual";
  readonly onEvent: (event: ClusterEvent) => void;
  readonly watchLocks: boolean;
}

export function nodeOptions(options: JoinOptions): NodeOptions {
  return {
    visiblePaths: options.visiblePaths ?? [],
    eventCommand: options.eventCommand,
    newDisks: options.newDisks ?? "search",
    variant: options.variant ?? "safe",
    kernel: options.kernel ?? "mainline",
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    storage: options.storage ?? createArrayStorage(),
    daemonSleepMs: options.daemonSleepMs,
    daemon: options.daemon ?? "timer",
    sync: options.sync ?? "auto",
    onEvent: options.onEvent ?? (() => {}),
    watchLocks: options.watchLocks ?? false,
  };
}
