/**
 * The addon's lock manager with types, loaded when first needed. What each call does stands in `native/src/dlm_addon/`.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { SlotmarkError } from "../errors.js";
import type { LockOperation } from "./measure-locks.js";

/** Locks are named by two words; `record` receives the completion where it came within the call, which is then true. */
export interface DlmNode {
  readonly slot: number;
  readonly gone: boolean;
  request(
    record: Int32Array,
    name: string,
    tag: number,
    mode: number,
    flags: number,
    lvb: Uint8Array | undefined,
    blockingCallbacks: boolean,
  ): boolean;
  convert(
    record: Int32Array,
    lockLow: number,
    lockHigh: number,
    tag: number,
    mode: number,
    flags: number,
    lvb: Uint8Array | undefined,
    blockingCallbacks: boolean,
  ): boolean;
  unlock(
    record: Int32Array,
    lockLow: number,
    lockHigh: number,
    tag: number,
    flags: number,
    lvb: Uint8Array | undefined,
  ): boolean;
  cancel(record: Int32Array, lockLow: number, lockHigh: number, tag: number): boolean;
  /** Kernel's lock manager only; the completion of this tag has no mode. */
  publishResyncRange(tag: number, range: Uint8Array): void;
  /** Returns how many records it filled. */
  drain(records: Int32Array): number;
  wait(atMostMs: number): boolean;
  keepAlive(alive: boolean): void;
  leave(force: boolean): void;
  close(): void;
  /** Node and slot in turns. */
  members(): number[];
  declareDead(nodes: number[]): void;
}

/** Modes are numbers, −1 for none. */
export interface NativeLockSeries {
  readonly operation: LockOperation;
  readonly from: number;
  readonly to: number;
  readonly blockers: number;
  readonly waiters: number;
  readonly latenciesNs: Float64Array;
}

export interface NativeMeasuredLocks {
  readonly series: readonly NativeLockSeries[];
  readonly clockNs: Float64Array;
  readonly mutexAndLookupNs: Float64Array;
  readonly futexNs: Float64Array;
  readonly spinNs: Float64Array;
}

/** Joins on its construction. */
export interface KernelJoin {
  /** Null before `notify` of the construction was called. */
  take(diesWithEnvironment: boolean, notify: () => void): DlmNode | null;
}

export interface ChannelEvent {
  readonly kind: "joined" | "message" | "answered" | "done" | "ended";
  readonly job: number;
  readonly payload?: Uint8Array;
  /** In the order of SEND_STEPS; −1 where a step did not take place. */
  readonly timesNs?: Float64Array;
  /** As refusals are written, see `lock-error.ts`. */
  readonly error?: string;
}

/** A blocking callback has neither flags nor times. */
export interface NativeLockCall {
  readonly resource: string;
  readonly mode: number;
  readonly flags?: number;
  readonly status?: number;
  readonly startNs?: number;
  readonly endNs?: number;
}

/** Joins on its construction; `job` numbers come back with `done`. */
export interface NativeChannel {
  send(job: number, payload: Uint8Array): void;
  takeToken(job: number): void;
  releaseToken(job: number): void;
  convert(job: number, resync: boolean, mode: number, blocking: number): void;
  joinResync(job: number): void;
  answer(processed: boolean): void;
  cancel(job: number): void;
  keepAlive(alive: boolean): void;
  close(): void;
  hear(): ChannelEvent[];
  lockCalls(): NativeLockCall[];
}

export interface NativeMessageSeries {
  readonly role: "send" | "receive";
  readonly step: string;
  readonly latenciesNs: Float64Array;
}

export interface NativeMeasuredMessages {
  readonly series: readonly NativeMessageSeries[];
  readonly clockNs: Float64Array;
  readonly futexNs: Float64Array;
  readonly spinNs: Float64Array;
  readonly receiverCpuNs: Float64Array;
  readonly deadlocks: number;
}

/** Runs on threads of its own from its construction on. */
export interface NativeMeasurement<T> {
  stop(): void;
  /** Null before `notify` was called. */
  take(): T | null;
}

/** Keeps every core from idling from its construction on. */
export interface BusyCores {
  stop(): void;
}

/** Modes are numbers, −1 for none. */
export interface NodeLockSeries {
  readonly operation: "request" | "convert" | "unlock";
  readonly from: number;
  readonly to: number;
  readonly latenciesNs: Float64Array;
}

export interface NativeMeasuredChannel {
  close(): void;
}

export interface NativeNodeMessageSeries {
  readonly step: string;
  readonly latenciesNs: Float64Array;
}

interface Addon {
  BusyCores: new () => BusyCores;
  /** Keeps the calling thread on a core, by its number among those allowed, round and round. */
  keepThreadOnCore(number: number): void;
  NodeLockMeasurement: new (
    node: DlmNode,
    resource: string,
    valueBlock: boolean,
    inLine: boolean,
    timeMs: number,
    samples: number,
    notify: () => void,
  ) => NativeMeasurement<readonly NodeLockSeries[]> & { setRecording(recording: boolean): void };
  MeasuredChannelJoin: new (
    node: DlmNode,
    variant: number,
    notify: () => void,
  ) => { take(): NativeMeasuredChannel | null };
  NodeMessageMeasurement: new (
    channel: NativeMeasuredChannel,
    sends: boolean,
    timeMs: number,
    samples: number,
    notify: () => void,
  ) => NativeMeasurement<readonly NativeNodeMessageSeries[]>;
  KernelJoin: new (arrayUuid: string, slots: number, notify: () => void) => KernelJoin;
  DlmChannel: new (
    node: DlmNode,
    variant: number,
    timeoutMs: number | null,
    trace: boolean,
    notify: () => void,
  ) => NativeChannel;
  LockMeasurement: new (
    nodes: number,
    valueBlock: boolean,
    spin: boolean,
    busy: boolean,
    timeMs: number,
    samples: number,
    notify: () => void,
  ) => NativeMeasurement<NativeMeasuredLocks>;
  MessageMeasurement: new (
    nodes: number,
    variant: number,
    spin: boolean,
    busy: boolean,
    timeMs: number,
    samples: number,
    notify: () => void,
  ) => NativeMeasurement<NativeMeasuredMessages>;
  DlmNode: new (lockspace: string, node: number, diesWithEnvironment: boolean, notify: () => void) => DlmNode;
}

/** This file runs from dist/src/dlm/. */
const ADDON_PATH = fileURLToPath(new URL("../../../native/slotmark.node", import.meta.url));
let addon: Addon | undefined;

/** @throws SlotmarkError `setup-incomplete` where the addon has not been built */
export function loadAddon(): Addon {
  if (addon !== undefined) return addon;
  try {
    const loaded: Addon = createRequire(import.meta.url)(ADDON_PATH);
    addon = loaded;
    return loaded;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    throw new SlotmarkError(
      "input",
      "setup-incomplete",
      `the native addon cannot be loaded (${reason})`,
      "Run node setup.mjs in slotmark's folder to build it.",
    );
  }
}
