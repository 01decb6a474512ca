/**
 * Locks as slotmark uses them, whichever lock manager is behind: the embedded one or the kernel's.
 *
 * As in the kernel an operation has two outcomes. Misuse is refused at once: it throws a `LockError` that names the
 * kernel's error, and nothing has happened. Everything else ends with a completion (AST), which the returned promise
 * resolves to; the promise never rejects. Ask the completion's `status`: a NOQUEUE request that found the lock taken
 * completes too, with EAGAIN.
 */
import type { Channel, ChannelOptions } from "./channel.js";
import type { LockFlag } from "./lock-flag.js";
import type { LockMode } from "./lock-mode.js";

export type Backend = "embedded" | "kernel";

/** How an operation ended; the kernel's `sb_status` by name. */
export type CompletionStatus =
  | "granted"
  /** NOQUEUE, and it would have had to wait. */
  | "EAGAIN"
  /** The conversion would have waited for itself; the lock keeps its mode. */
  | "EDEADLK"
  | "ECANCEL"
  | "EUNLOCK"
  /** The node left or died meanwhile. */
  | "ESHUTDOWN";

export interface Completion {
  readonly status: CompletionStatus;
  /** The mode now held; null after an unlock and where a request ended without a grant. */
  readonly mode: LockMode | null;
  /** The resource's value block, where this completion returned it (spec §7.3). A copy. */
  readonly lvb?: Uint8Array;
  /** The value block may be out of date: its last writer died, or somebody invalidated it (VALNOTVALID). */
  readonly valueNotValid: boolean;
  /** CONVDEADLK lowered the granted mode to NL (DEMOTED). */
  readonly demoted: boolean;
  /** Granted in the mode of ALTPR or ALTCW (ALTMODE). */
  readonly alternativeMode: boolean;
}

export interface ConvertOptions {
  readonly flags?: readonly LockFlag[];
  /** Value block of exactly `Lockspace.lvbBytes` bytes; implies VALBLK. Read now; what comes back is in the completion. */
  readonly lvb?: Uint8Array;
}

export interface RequestOptions extends ConvertOptions {
  /**
   * Blocking callback (BAST): this lock stands in the way of a request in `mode`. Once for each level of conflict; whoever
   * ignores it is not reminded. Called from the event loop or from `waitSync`, never from within another operation.
   */
  readonly onBlocking?: (mode: LockMode, lock: LockHandle) => void;
}

export interface UnlockOptions {
  readonly flags?: readonly LockFlag[];
  readonly lvb?: Uint8Array;
}

export interface WaitOptions {
  /** Default: no limit. */
  readonly timeoutMs?: number;
  /** Asked every few milliseconds; true ends the wait. */
  readonly cancelled?: () => boolean;
}

/**
 * One lock of this node. Dropped without an unlock, it is released once it has been collected; an operation under way or
 * a blocking callback that refers to the handle keeps it.
 */
export interface LockHandle {
  /** The resource's name. */
  readonly name: string;
  /** The mode now held, as far as completions have been seen. */
  readonly mode: LockMode | null;
  /** Whether an operation has not completed yet. */
  readonly outstanding: boolean;

  /** @throws LockError EBUSY while an operation is outstanding, ENOENT once released, EINVAL, ESHUTDOWN */
  convert(mode: LockMode, options?: ConvertOptions): Promise<Completion>;
  /** Also of a lock that waits: then the operation under way completes with EUNLOCK as well. @throws LockError ENOENT, … */
  unlock(options?: UnlockOptions): Promise<Completion>;
  /**
   * Takes back the outstanding operation, which then completes with ECANCEL; a conversion keeps its old mode, a request
   * goes. Without one nothing happens. @throws LockError EINVAL for a second cancel of the same operation, ENOENT, …
   */
  cancel(): void;
  /**
   * Waits, without a turn of the event loop, for the outstanding operation. Callbacks of other locks are delivered
   * meanwhile. Returns the last completion, or null where time is over or the wait was cancelled.
   */
  waitSync(options?: WaitOptions): Completion | null;
}

/** A new lock, and how its request ends. Where it ends without a grant, the lock is released already. */
export interface Requested {
  readonly lock: LockHandle;
  readonly completion: Promise<Completion>;
}

export interface Member {
  readonly node: number;
  /** From 1, as fs/dlm counts; md's slots count from 0. */
  readonly slot: number;
}

/** Steps of a change of membership, as the DLM calls them (spec §7.6). */
export type RecoveryEvent =
  | { readonly step: "recoverPrep" }
  /** This member died. Not for one that left. */
  | { readonly step: "recoverSlot"; readonly slot: number; readonly node: number }
  /** Locking goes on; the receiver's own slot, and how often membership has changed. */
  | { readonly step: "recoverDone"; readonly slot: number; readonly generation: number };

export type WaitOutcome = "delivered" | "timedOut" | "cancelled" | "gone";

/** What a node resyncs: array sectors from low up to high, which is not among them; 0 and 0 where nothing. */
export interface ResyncRange {
  readonly lowSector: number;
  readonly highSector: number;
}

export interface PublishedResyncRange extends ResyncRange {
  /** Whoever published it died, or the slot's lock was lost with a machine. */
  readonly valueNotValid: boolean;
}

/** The lock on a node's own slot, `bitmapNNNN` in PW: it says that the slot is in use (spec §4.1). */
export interface OwnSlot {
  /** From 1, as `Lockspace.slot`. */
  readonly slot: number;
  /**
   * Says what this node resyncs: PW→PW, which writes the value block (spec §4.5). Resolves once it is written; calls are
   * carried out in their order. @throws LockError EINVAL, ESHUTDOWN
   */
  publishResyncRange(range: ResyncRange): Promise<void>;
  /** Gives the lock up. On the kernel's lock manager the slot stays this node's until it leaves. */
  release(): Promise<void>;
}

/**
 * One node's membership in a lockspace. It belongs to the thread that joined; when that thread's environment goes (exit,
 * `terminate()`, a crash) the node goes, and with it all its locks. So it is where the object is dropped and collected.
 */
export interface Lockspace {
  readonly backend: Backend;
  readonly name: string;
  readonly node: number;
  /** From 1, as fs/dlm counts; md's slots count from 0. */
  readonly slot: number;
  /** Bytes of a value block. */
  readonly lvbBytes: 64;
  /**
   * How many of them may be other than zero: on the kernel's lock manager, from user space, the first 32; in the resource
   * `message` the fields of a message instead (design, "Backends"). More is refused with EINVAL.
   */
  readonly lvbUsableBytes: 32 | 64;
  /** Whether the node has left or died. */
  readonly gone: boolean;

  /** @throws LockError EINVAL for a name over 64 bytes, an unknown mode or flag, a value block of the wrong length; ESHUTDOWN */
  request(name: string, mode: LockMode, options?: RequestOptions): Requested;
  /**
   * Takes the lock on the own slot, waiting for whoever still recovers what died there; to be called once. On the kernel's
   * lock manager the node has had it since it joined. `signal` ends the wait: ECANCELED. @throws LockError ESHUTDOWN
   */
  holdOwnSlot(options?: { readonly signal?: AbortSignal }): Promise<OwnSlot>;
  /**
   * What the owner of a slot (from 1) resyncs, by its own word: read under CR, which waits for nobody.
   * @throws LockError EINVAL for a slot that cannot be, ESHUTDOWN
   */
  resyncRangeOf(slot: number): Promise<PublishedResyncRange>;
  /** The members, in the order of slots. */
  members(): Member[];
  /** Delivers callbacks without a turn of the event loop; waits for the first of them. */
  waitSync(options?: WaitOptions): WaitOutcome;
  /** Keeps the event loop going for blocking callbacks; operations that wait keep it going anyway. */
  ref(): void;
  unref(): void;
  /**
   * Joins the message channel of this lockspace. It waits on threads of its own: `waitSync` never delivers its messages.
   * @throws LockError ETIMEDOUT where another node keeps the token, ESHUTDOWN where this one is gone
   */
  openChannel(options: ChannelOptions): Promise<Channel>;
  /** By force with all its locks. Embedded, the node is gone when the call returns. @throws LockError EBUSY without force while it has locks */
  leave(options?: { readonly force?: boolean }): Promise<void>;
}
