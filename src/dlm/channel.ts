/**
 * The message channel of md-cluster as slotmark uses it (spec §5), whichever lock manager is behind: one node sends 64
 * bytes, every other node processes them before the send is over, and all nodes see all messages in one order.
 */
import type { LockFlag } from "./lock-flag.js";
import type { LockMode } from "./lock-mode.js";

export const CHANNEL_VARIANTS = ["safe", "mainline", "original"] as const;

/**
 * Whose dance. `mainline`: as md-cluster since Linux 6.11, also where it gets stuck. `original`: the first patch's, whose
 * receivers deadlock. `safe`: mainline's, call for call while nothing goes wrong; afterwards it differs in four places:
 * - A conversion that timed out is cancelled, so that the lock can be converted again. In mainline it stays queued, may be
 *   granted later, and whoever converts that lock next gets EBUSY.
 * - A receiver that refuses a message waits until the sender has given up, then takes `ack` anew and hears the next message.
 *   In mainline it is deaf from then on.
 * - A receipt that a time-out or a cancel broke off is finished before the next one. Mainline goes on with the next step.
 * - A message whose value block a recovery marked as doubtful, for it may be an older one, is acknowledged but not handed to
 *   `onMessage`. Mainline processes it.
 */
export type ChannelVariant = (typeof CHANNEL_VARIANTS)[number];

/**
 * Of the sender: `processed`, from the call until every other node has processed the message; `all`, until the token is
 * given back; and the steps of spec §5.2 in their order, each from the end of the one before. token = turn + tokenEx;
 * message = receiveTurn + messageEx + messageWritten; ack = ackEx; together they are `processed`.
 */
export const SEND_STEPS = [
  "processed",
  "all",
  "turn",
  "tokenEx",
  "receiveTurn",
  "messageEx",
  "messageWritten",
  "ackEx",
  "ackCr",
  "messageNl",
  "tokenNl",
] as const;
export type SendStep = (typeof SEND_STEPS)[number];

/** Nanoseconds; a step that did not take place (the token was held already) is missing. */
export type SendTimes = { readonly [step in SendStep]?: number };

export type ChannelResource = "token" | "message" | "ack" | "no-new-dev" | "resync";

/** What a channel did with its locks, as the kernel's trace points show it. Times of CLOCK_MONOTONIC. */
export type ChannelLockCall =
  | {
      readonly kind: "call";
      readonly resource: ChannelResource;
      readonly mode: LockMode;
      readonly flags: readonly LockFlag[];
      /** `sb_status`: 0 or a negative errno; null where nobody waited for the end. */
      readonly status: number | null;
      readonly startNs: number;
      readonly endNs: number;
    }
  /** A blocking callback: another node waits for `mode`. */
  | { readonly kind: "blocked"; readonly resource: ChannelResource; readonly mode: LockMode };

export interface ChannelOptions {
  readonly variant?: ChannelVariant;
  /** Limit of each single wait, from 0 on; null or Infinity for none. Default 30 s, as the kernel's. */
  readonly timeoutMs?: number | null;
  /**
   * Processes a message: 64 bytes, a copy. The sender waits until it has returned, or its promise is settled. Where it throws
   * or rejects, the message is refused, and the sender runs into its time-out; `onError` gets the error.
   */
  readonly onMessage: (payload: Uint8Array) => void | Promise<void>;
  /** Errors of `onMessage`, and of receiving itself. Without it they are uncaught. */
  readonly onError?: (error: unknown) => void;
  /**
   * Told every call on the channel's locks, in the order of their ends, before whatever it led to: a message, an operation
   * that is done. For watching single operations; without it nothing is kept.
   */
  readonly onLockCall?: (call: ChannelLockCall) => void;
}

export interface ChannelCall {
  /** Ends the operation's waits; it then rejects with ECANCELED. */
  readonly signal?: AbortSignal;
}

export interface ConversionCall extends ChannelCall {
  /** Whether it waits for the channel's time-out (default), for ever, or not at all (EAGAIN). */
  readonly wait?: "timeout" | "forever" | "no";
}

/**
 * One node's end. Operations that fail reject with a LockError: ETIMEDOUT, EAGAIN, EDEADLK, ECANCELED, ESHUTDOWN; after a
 * send that failed some nodes may have processed the message. It goes with its lockspace, with its thread, and where it
 * is dropped.
 */
export interface Channel {
  /** Whether it can be used no more. */
  readonly closed: boolean;
  /** Broadcasts exactly 64 bytes; resolves once every other node has processed them. One after the other. */
  send(payload: Uint8Array, call?: ChannelCall): Promise<SendTimes>;
  /** Takes the token: until it is released only this node sends, and it does not receive. */
  takeToken(call?: ChannelCall): Promise<void>;
  releaseToken(): Promise<void>;
  /** The veto on a new disk (spec §6.2). */
  convertNoNewDev(mode: LockMode, call?: ConversionCall): Promise<void>;
  /** Step 11 of the join (spec §4.2): requests `resync` in NL. */
  joinResync(): Promise<void>;
  convertResync(mode: LockMode, call?: ConversionCall): Promise<void>;
  /** Keeps the event loop going for messages; operations under way keep it going anyway. */
  ref(): void;
  unref(): void;
  /** Gives up all locks at once, as a node that leaves; what is under way rejects with ECANCELED. */
  close(): void;
}
