/**
 * A message channel over the addon: its waits are on native threads, its messages come to the event loop.
 */
import {
  type ChannelEvent,
  type DlmNode,
  loadAddon,
  type NativeChannel,
  type NativeLockCall,
} from "./addon.js";
import {
  CHANNEL_VARIANTS,
  type Channel,
  type ChannelCall,
  type ChannelLockCall,
  type ChannelOptions,
  type ChannelResource,
  type ConversionCall,
  SEND_STEPS,
  type SendTimes,
} from "./channel.js";
import { LockError, lockErrorOf, refusable } from "./lock-error.js";
import { flagsOf } from "./lock-flag.js";
import { type LockMode, modeNumber, modeOf } from "./lock-mode.js";

const DEFAULT_TIMEOUT_MS = 30_000;
const WAITS = ["timeout", "forever", "no"];

interface Job {
  readonly attempted: string;
  readonly resolve: (times: SendTimes) => void;
  readonly reject: (error: LockError) => void;
}

/** Channels that must not be collected: an operation is under way, or `ref` was called. */
const kept = new Set<ChannelState>();

/**
 * What belongs to a channel. Nothing that the addon holds refers to it strongly, so that a channel nobody uses any more is
 * collected, and leaves.
 */
class ChannelState implements Channel {
  #native: NativeChannel | undefined;
  readonly #jobs = new Map<number, Job>();
  #nextJob = 1;
  #referenced = false;
  #closed = false;

  constructor(
    private readonly options: ChannelOptions,
    /** Keeps the node, whose locks these are. */
    readonly owner: object,
  ) {}

  /** Resolves once it has joined. */
  open(node: DlmNode, notify: () => void): Promise<void> {
    const { variant = "safe", timeoutMs = DEFAULT_TIMEOUT_MS, onLockCall } = this.options;
    const number = CHANNEL_VARIANTS.indexOf(variant);
    if (number < 0) {
      const advice = `Use one of ${CHANNEL_VARIANTS.join(", ")}.`;
      const message = `no such variant of the channel: ${JSON.stringify(variant)}`;
      throw new LockError("EINVAL", "channel-variant", message, advice);
    }
    const attempted = "joining the channel";
    this.#native = refusable(
      () => attempted,
      () => new (loadAddon().DlmChannel)(node, number, timeoutMs, onLockCall !== undefined, notify),
      "channel",
    );
    // Job 0 is the join itself; what becomes of it comes through the event loop.
    return this.#track(0, attempted, undefined).then(() => undefined);
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(payload: Uint8Array, call?: ChannelCall): Promise<SendTimes> {
    const attempted = "sending a message";
    return this.#run(attempted, call, (native, job) => native.send(job, payload));
  }

  async takeToken(call?: ChannelCall): Promise<void> {
    await this.#run("taking the token", call, (native, job) => native.takeToken(job));
  }

  async releaseToken(): Promise<void> {
    await this.#run("releasing the token", undefined, (native, job) => native.releaseToken(job));
  }

  convertNoNewDev(mode: LockMode, call?: ConversionCall): Promise<void> {
    return this.#convert(false, mode, call);
  }

  async joinResync(): Promise<void> {
    await this.#run("joining resync", undefined, (native, job) => native.joinResync(job));
  }

  convertResync(mode: LockMode, call?: ConversionCall): Promise<void> {
    return this.#convert(true, mode, call);
  }

  ref(): void {
    this.#referenced = true;
    this.#keep();
  }

  unref(): void {
    this.#referenced = false;
    this.#keep();
  }

  close(): void {
    if (this.#closed) return;
    this.#end("ECANCELED", "cancelled", "the channel was closed");
  }

  /** Runs in the event loop whenever something has happened. */
  hear(): void {
    // Events first, then calls: whatever led to an event was kept before it.
    const events = this.#native?.hear() ?? [];
    try {
      this.#tellLockCalls();
    } finally {
      for (const event of events) if (!this.#closed) this.#hearOne(event);
    }
  }

  #tellLockCalls(): void {
    const { onLockCall } = this.options;
    if (onLockCall === undefined) return;
    for (const call of this.#native?.lockCalls() ?? []) {
      if (this.#closed) return;
      onLockCall(lockCallOf(call));
    }
  }

  async #convert(resync: boolean, mode: LockMode, call: ConversionCall = {}): Promise<void> {
    const number = modeNumber(mode);
    const blocking = Math.max(0, WAITS.indexOf(call.wait ?? "timeout"));
    const attempted = `converting ${resync ? "resync" : "no-new-dev"} to ${mode}`;
    await this.#run(attempted, call, (native, job) => native.convert(job, resync, number, blocking));
  }

  async #run(
    attempted: string,
    call: ChannelCall | undefined,
    start: (native: NativeChannel, job: number) => void,
  ): Promise<SendTimes> {
    const native = this.#native;
    if (this.#closed || native === undefined) {
      throw new LockError(
        "ESHUTDOWN",
        "channel-closed",
        `${attempted}: the channel is closed`,
        "Join again.",
      );
    }
    call?.signal?.throwIfAborted();
    const job = this.#nextJob++;
    refusable(
      () => attempted,
      () => start(native, job),
    );
    return await this.#track(job, attempted, call?.signal);
  }

  async #track(job: number, attempted: string, signal: AbortSignal | undefined): Promise<SendTimes> {
    const cancel = () => this.#native?.cancel(job);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise<SendTimes>((resolve, reject) => {
        this.#jobs.set(job, { attempted, resolve, reject });
        this.#keep();
      });
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  #hearOne(event: ChannelEvent): void {
    switch (event.kind) {
      case "joined":
        this.#settle(0, (job) => job.resolve({}));
        break;
      case "message":
        void this.#process(event.payload ?? new Uint8Array());
        break;
      case "answered":
        if (event.error !== undefined)
          this.#report(lockErrorOf("receiving a message", event.error, "channel"));
        break;
      case "done":
        this.#settle(event.job, (job) => {
          if (event.error === undefined) job.resolve(timesOf(event.timesNs));
          else job.reject(lockErrorOf(job.attempted, event.error, "channel"));
        });
        break;
      case "ended": {
        const error = lockErrorOf("the message channel", event.error ?? "", "channel");
        const joining = this.#jobs.has(0);
        this.#end(error.errnoName, error.code.replace(/^channel-/, ""), error.message);
        // Whoever joins hears it from there; a node that is gone is told by its lockspace.
        if (!joining && error.errnoName !== "ESHUTDOWN") this.#report(error);
        break;
      }
    }
  }

  async #process(payload: Uint8Array): Promise<void> {
    let processed = true;
    try {
      await this.options.onMessage(payload);
    } catch (error) {
      processed = false;
      this.#report(error);
    }
    if (!this.#closed) this.#native?.answer(processed);
  }

  #report(error: unknown): void {
    if (this.options.onError !== undefined) {
      this.options.onError(error);
      return;
    }
    process.nextTick(() => {
      throw error;
    });
  }

  #settle(number: number, settle: (job: Job) => void): void {
    const job = this.#jobs.get(number);
    if (job === undefined) return;
    this.#jobs.delete(number);
    this.#keep();
    settle(job);
  }

  #end(errnoName: string, cause: string, message: string): void {
    this.#closed = true;
    const text = message.replace(`${errnoName}: `, "");
    for (const number of [...this.#jobs.keys()]) {
      this.#settle(number, (job) => {
        const what = `${job.attempted}: ${text}`;
        job.reject(new LockError(errnoName, `channel-${cause}`, what, "Join again."));
      });
    }
    this.#referenced = false;
    this.#keep();
    this.#native?.close();
  }

  #keep(): void {
    const wanted = this.#jobs.size > 0 || this.#referenced;
    if (wanted) kept.add(this);
    else kept.delete(this);
    this.#native?.keepAlive(wanted);
  }
}

/**
 * Joins a node's message channel.
 * @throws LockError ETIMEDOUT where the token is not to be had, ESHUTDOWN where the node is gone, EINVAL
 */
export async function openNativeChannel(
  owner: object,
  node: DlmNode,
  options: ChannelOptions,
): Promise<Channel> {
  const channel = new ChannelState(options, owner);
  await channel.open(node, notifierOf(new WeakRef(channel)));
  return channel;
}

/** Made where nothing but the weak reference is in reach. */
function notifierOf(channel: WeakRef<ChannelState>): () => void {
  return () => {
    try {
      channel.deref()?.hear();
    } catch (error) {
      // Out of the addon's call, which would swallow it.
      process.nextTick(() => {
        throw error;
      });
    }
  };
}

/** Modes, flags and resources are the lock manager's own: they need no check. */
function lockCallOf(call: NativeLockCall): ChannelLockCall {
  const resource = call.resource as ChannelResource;
  const mode = modeOf(call.mode) ?? "NL";
  const { flags, status = null, startNs = 0, endNs = 0 } = call;
  if (flags === undefined) return { kind: "blocked", resource, mode };
  return { kind: "call", resource, mode, flags: flagsOf(flags), status, startNs, endNs };
}

function timesOf(timesNs: Float64Array | undefined): SendTimes {
  const times: { [step in (typeof SEND_STEPS)[number]]?: number } = {};
  for (const [index, step] of SEND_STEPS.entries()) {
    const nanoseconds = timesNs?.[index] ?? -1;
    if (nanoseconds >= 0) times[step] = nanoseconds;
  }
  return times;
}
