/**
 * A node of a lockspace, over the addon: its operations, and the way of callbacks to promises and functions.
 */
import type { DlmNode } from "./addon.js";
import type { Channel, ChannelOptions } from "./channel.js";
import { LockError, refusable } from "./lock-error.js";
import { flagBits, LOCK_FLAGS } from "./lock-flag.js";
import { type LockMode, modeNumber } from "./lock-mode.js";
import type {
  Backend,
  Completion,
  ConvertOptions,
  RecoveryEvent,
  Requested,
  RequestOptions,
  UnlockOptions,
  WaitOptions,
  WaitOutcome,
} from "./lockspace.js";
import { openNativeChannel } from "./native-channel.js";
import { LockState, NodeLock } from "./node-lock.js";
import { type DlmEvent, RECORD_WORDS, readCompletion, readEvent, readLockId } from "./record.js";

const RECORDS_PER_DRAIN = 64;
/**
 * Longest sleep in native code. Node notices that a worker is to be terminated only between native calls, so this is how
 * long `terminate()` waits for a thread in `waitSync`.
 */
const SLICE_MS = 10;

const SHUT_DOWN: Completion = {
  status: "ESHUTDOWN",
  mode: null,
  valueNotValid: false,
  demoted: false,
  alternativeMode: false,
};

/** Nodes that must not be collected: an operation is outstanding, or `ref` was called. */
const kept = new Set<LockNode>();

/** What the addon holds must not keep the node from being collected. */
function notifierOf({ node }: { readonly node: WeakRef<LockNode> }): () => void {
  return () => {
    try {
      node.deref()?.deliver();
    } catch (error) {
      // Out of the addon's call, which would swallow it.
      process.nextTick(() => {
        throw error;
      });
    }
  };
}

export class LockNode {
  readonly weak: WeakRef<LockNode>;
  readonly node: number;
  /** From 1. */
  readonly slot: number;
  readonly #native: DlmNode;
  readonly #record = new Int32Array(RECORD_WORDS);
  readonly #records = new Int32Array(RECORD_WORDS * RECORDS_PER_DRAIN);
  readonly #locks = new Map<number, LockState>();
  /** Callbacks that were taken out of the mailbox and not delivered yet. */
  readonly #arrived: DlmEvent[] = [];
  #nextTag = 1;
  #outstanding = 0;
  #referenced = false;
  #gone = false;
  #left: (() => void) | null = null;

  /** @param attach joins, or takes what has joined; gets the function that the addon calls when there is something to hear */
  constructor(
    readonly lockspace: string,
    readonly backend: Backend,
    attach: (notify: () => void) => DlmNode,
    private readonly onRecovery: ((event: RecoveryEvent) => void) | undefined,
    node?: number,
  ) {
    this.weak = new WeakRef(this);
    this.#native = attach(notifierOf({ node: this.weak }));
    this.slot = this.#native.slot;
    this.node = node ?? this.slot;
  }

  /** For what is measured on native threads. */
  get native(): DlmNode {
    return this.#native;
  }

  get gone(): boolean {
    return this.#gone || this.#native.gone;
  }

  request(name: string, mode: LockMode, options: RequestOptions = {}): Requested {
    const number = modeNumber(mode);
    const flags = flagsOf(options);
    const state = new LockState(name, this.#nextTag++, options.onBlocking);
    const record = this.#record;
    const completed = refusable(
      () => `request of ${JSON.stringify(name)} in ${mode} (${this.#where()})`,
      () =>
        this.#native.request(
          record,
          name,
          state.tag,
          number,
          flags,
          options.lvb,
          options.onBlocking !== undefined,
        ),
    );
    [state.idLow, state.idHigh] = readLockId(record);
    this.#locks.set(state.tag, state);
    const lock = new NodeLock(this, state);
    if (completed) return { lock, completion: Promise.resolve(this.#completeNow(state)) };
    return { lock, completion: this.#completeLater(lock, state) };
  }

  convert(
    lock: NodeLock,
    state: LockState,
    mode: LockMode,
    options: ConvertOptions = {},
  ): Promise<Completion> {
    const number = modeNumber(mode);
    const flags = flagsOf(options);
    const attempted = () => `convert of ${JSON.stringify(state.name)} to ${mode} (${this.#where()})`;
    if (state.outstanding) throw outstanding(attempted());
    const completed = refusable(attempted, () =>
      this.#native.convert(
        this.#record,
        state.idLow,
        state.idHigh,
        state.tag,
        number,
        flags,
        options.lvb,
        state.onBlocking !== undefined,
      ),
    );
    if (completed) return Promise.resolve(this.#completeNow(state));
    return this.#completeLater(lock, state);
  }

  unlock(lock: NodeLock, state: LockState, options: UnlockOptions = {}): Promise<Completion> {
    const flags = flagsOf(options);
    const completed = refusable(
      () => `unlock of ${JSON.stringify(state.name)} (${this.#where()})`,
      () => this.#native.unlock(this.#record, state.idLow, state.idHigh, state.tag, flags, options.lvb),
    );
    if (completed) return Promise.resolve(this.#completeNow(state));
    return new Promise((resolve) => {
      state.resolveUnlock = resolve;
      state.held = lock;
      this.#count(1);
    });
  }

  cancel(state: LockState): void {
    const completed = refusable(
      () => `cancel of ${JSON.stringify(state.name)} (${this.#where()})`,
      () => this.#native.cancel(this.#record, state.idLow, state.idHigh, state.tag),
    );
    if (completed) this.#completeNow(state);
  }

  /** Writes 16 bytes into the value block of the own slot's lock, which is none of this node's handles. */
  publishResyncRange(resource: string, range: Uint8Array): Promise<Completion> {
    const state = new LockState(resource, this.#nextTag++, undefined);
    refusable(
      () => `publishing the resync range in ${JSON.stringify(resource)} (${this.#where()})`,
      () => this.#native.publishResyncRange(state.tag, range),
    );
    this.#locks.set(state.tag, state);
    return new Promise((resolve) => {
      state.resolve = resolve;
      this.#count(1);
    });
  }

  /** For a lock whose handle was collected. */
  releaseForgotten(tag: number): void {
    const state = this.#locks.get(tag);
    if (state === undefined || this.gone) return;
    const force = LOCK_FLAGS.FORCEUNLOCK;
    if (this.#native.unlock(this.#record, state.idLow, state.idHigh, tag, force, undefined)) {
      this.#completeNow(state);
    }
  }

  members(): number[] {
    return this.#native.members();
  }

  declareDead(nodes: readonly number[]): void {
    refusable(
      () => `declaring dead ${nodes.join(", ")} in ${JSON.stringify(this.lockspace)}`,
      () => this.#native.declareDead([...nodes]),
    );
  }

  openChannel(options: ChannelOptions): Promise<Channel> {
    return openNativeChannel(this, this.#native, options);
  }

  /** Embedded it is over when the call returns. */
  leave(force: boolean): Promise<void> {
    if (this.backend === "kernel" && !force && this.#locks.size > 0) {
      const message = `leaving (${this.#where()}): the node still holds locks`;
      throw new LockError("EBUSY", "dlm-node-holds-locks", message, "Unlock them, or leave by force.");
    }
    refusable(
      () => `leaving (${this.#where()})`,
      () => this.#native.leave(force),
    );
    if (this.#native.gone) {
      this.#end();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#left = resolve;
      this.#count(1);
    });
  }

  reference(wanted: boolean): void {
    this.#referenced = wanted;
    this.#keep();
  }

  waitForLock(state: LockState, options: WaitOptions = {}): Completion | null {
    const until = deadline(options);
    while (state.outstanding) {
      const outcome = this.#waitUntil(until, options.cancelled);
      if (outcome === "timedOut" || outcome === "cancelled") return null;
    }
    return state.last;
  }

  waitSync(options: WaitOptions = {}): WaitOutcome {
    return this.#waitUntil(deadline(options), options.cancelled);
  }

  #waitUntil(untilMs: number, cancelled: (() => boolean) | undefined): WaitOutcome {
    for (;;) {
      if (this.deliver() > 0) return "delivered";
      if (this.#gone) return "gone";
      if (cancelled?.() === true) return "cancelled";
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return "timedOut";
      this.#native.wait(Math.min(leftMs, SLICE_MS));
    }
  }

  /** Takes what is in the mailbox to its promises and functions; returns how many callbacks there were. */
  deliver(): number {
    if (this.#gone) return 0;
    let count = this.#collect();
    const errors: unknown[] = [];
    // A function called here may come back to this place; the queue keeps the order.
    for (let event = this.#arrived.shift(); event !== undefined; event = this.#arrived.shift()) {
      try {
        this.#deliverOne(event);
      } catch (error) {
        errors.push(error);
      }
      if (this.#arrived.length === 0) count += this.#collect();
    }
    if (this.#native.gone && !this.#gone) this.#end();
    if (errors.length > 0) throw errors[0];
    return count;
  }

  #collect(): number {
    let count = 0;
    for (;;) {
      const filled = this.#native.drain(this.#records);
      for (let record = 0; record < filled; record++) {
        this.#arrived.push(readEvent(this.#records, record * RECORD_WORDS));
      }
      count += filled;
      if (filled < RECORDS_PER_DRAIN) return count;
    }
  }

  #deliverOne(event: DlmEvent): void {
    if (event.kind === "recovery") {
      this.onRecovery?.(event.event);
      return;
    }
    const state = this.#locks.get(event.tag);
    if (state === undefined) return; // a blocking callback that an unlock has overtaken
    if (event.kind === "completion") {
      this.#complete(state, event.completion);
      return;
    }
    const lock = state.handle?.deref();
    // With an unlock under way there is nothing left to give up.
    if (lock !== undefined && state.resolveUnlock === null) state.onBlocking?.(event.mode, lock);
  }

  #completeNow(state: LockState): Completion {
    const completion = readCompletion(this.#record, 0);
    this.#complete(state, completion);
    return completion;
  }

  #completeLater(lock: NodeLock, state: LockState): Promise<Completion> {
    return new Promise((resolve) => {
      state.resolve = resolve;
      state.held = lock;
      this.#count(1);
    });
  }

  #complete(state: LockState, completion: Completion): void {
    state.last = completion;
    state.mode = completion.mode;
    if (completion.mode === null) {
      state.released = true;
      this.#locks.delete(state.tag);
    }
    const waiting = [state.resolve];
    state.resolve = null;
    if (completion.mode === null) {
      waiting.push(state.resolveUnlock);
      state.resolveUnlock = null;
    }
    if (!state.outstanding) state.held = null;
    for (const resolve of waiting) {
      if (resolve === null) continue;
      this.#count(-1);
      resolve(completion);
    }
  }

  #end(): void {
    this.#gone = true;
    for (const state of [...this.#locks.values()]) this.#complete(state, SHUT_DOWN);
    if (this.#left !== null) {
      this.#count(-1);
      this.#left();
      this.#left = null;
    }
    this.#referenced = false;
    this.#keep();
    this.#native.close();
  }

  #count(change: 1 | -1): void {
    this.#outstanding += change;
    if (this.#outstanding === (change === 1 ? 1 : 0)) this.#keep();
  }

  #keep(): void {
    const wanted = this.#outstanding > 0 || this.#referenced;
    if (wanted === kept.has(this)) return;
    if (wanted) kept.add(this);
    else kept.delete(this);
    this.#native.keepAlive(wanted);
  }

  #where(): string {
    return `node ${this.node}, lockspace ${JSON.stringify(this.lockspace)}`;
  }
}

function flagsOf(options: ConvertOptions): number {
  const bits = options.flags === undefined ? 0 : flagBits(options.flags);
  if (options.lvb === undefined) return bits;
  if (!(options.lvb instanceof Uint8Array)) {
    throw new LockError(
      "EINVAL",
      "dlm-lvb-type",
      "a lock value block is a Uint8Array",
      "Pass a Uint8Array of 64 bytes.",
    );
  }
  return bits | LOCK_FLAGS.VALBLK;
}

function deadline(options: WaitOptions): number {
  return options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.timeoutMs;
}

/** The kernel says so itself where the operation waits; here its completion may be on its way. */
function outstanding(attempted: string): LockError {
  return new LockError(
    "EBUSY",
    "dlm-operation-outstanding",
    `${attempted}: an operation on this lock is still outstanding`,
    "Wait for its completion, or cancel it.",
  );
}
