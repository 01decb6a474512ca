/**
 * What locks and messages cost one node of a lockspace of either backend, measured on native threads. The other nodes are
 * elsewhere, on other machines perhaps; the caller sees to it that they do their part at the same time.
 */
import {
  type DlmNode,
  loadAddon,
  type NativeMeasuredChannel,
  type NativeMeasurement,
  type NativeNodeMessageSeries,
  type NodeLockSeries,
} from "./addon.js";
import { CHANNEL_VARIANTS, type ChannelVariant, SEND_STEPS, type SendStep } from "./channel.js";
import { lockErrorOf } from "./lock-error.js";
import { type LockMode, modeOf } from "./lock-mode.js";
import { RECEIVE_STEPS, type ReceiveStep } from "./measure-messages.js";
import { resultOf } from "./measurement.js";

/** A lockspace of either backend. */
export interface MeasuredNode {
  readonly native: DlmNode;
}

const MOST_SAMPLES = 100_000;

export interface NodeLocksOptions {
  readonly resource: string;
  /** Whether every operation carries a value block (VALBLK). */
  readonly valueBlock: boolean;
}

/** Samples of one operation, in whole nanoseconds: from the call to where the calling thread goes on with its completion. */
export interface NodeLatencySeries {
  readonly operation: "request" | "convert" | "unlock";
  /** The mode held before; null for a request. */
  readonly from: LockMode | null;
  /** The mode asked for; null for an unlock. */
  readonly to: LockMode | null;
  readonly latenciesNs: Float64Array;
}

/**
 * Request and unlock in all modes and all conversions, for this long; nobody may be in the way.
 * @throws LockError a refusal of the lock manager
 */
export async function measureNodeLocks(
  node: MeasuredNode,
  { resource, valueBlock }: NodeLocksOptions,
  timeMs: number,
  signal: AbortSignal,
): Promise<NodeLatencySeries[]> {
  const start = (notify: () => void) =>
    new (loadAddon().NodeLockMeasurement)(
      node.native,
      resource,
      valueBlock,
      false,
      timeMs,
      MOST_SAMPLES,
      notify,
    );
  return seriesOf(await refusedAs("measuring locks", () => resultOf(start, signal)));
}

/** EX going round among all nodes that stand in line for it, each again before it lets go. */
export interface LockLine {
  /** Samples are taken while this is true: NL→EX, which waits for everybody else once, and EX→NL. */
  record(recording: boolean): void;
  /** Leaves the line. @throws LockError a refusal of the lock manager */
  stop(): Promise<NodeLatencySeries[]>;
}

export function standInLine(node: MeasuredNode, { resource, valueBlock }: NodeLocksOptions): LockLine {
  const { NodeLockMeasurement } = loadAddon();
  let line: InstanceType<typeof NodeLockMeasurement> | undefined;
  const result = resultOf((notify) => {
    line = new NodeLockMeasurement(node.native, resource, valueBlock, true, 0, MOST_SAMPLES, notify);
    return line;
  }, undefined);
  // Whoever stops it hears of it.
  result.catch(() => undefined);
  return {
    record: (recording) => line?.setRecording(recording),
    stop: async () => {
      line?.stop();
      return seriesOf(await refusedAs("standing in line for a lock", () => result));
    },
  };
}

function seriesOf(measured: readonly NodeLockSeries[]): NodeLatencySeries[] {
  return measured.map(({ operation, from, to, latenciesNs }) => ({
    operation,
    from: modeOf(from),
    to: modeOf(to),
    latenciesNs,
  }));
}

export interface NodeMessageSeries {
  readonly step: SendStep | ReceiveStep;
  /** One number a message, in whole nanoseconds. */
  readonly latenciesNs: Float64Array;
}

/** Receipt under way until it is stopped. */
export interface Receiving {
  /** Ends it, and its channel's waits for good. */
  stop(): Promise<NodeMessageSeries[]>;
}

/** One node's end of the message channel, without JavaScript at it: it sends or receives, once. */
export class MeasuredChannel {
  private constructor(private readonly native: NativeMeasuredChannel) {}

  /** @throws LockError ETIMEDOUT where another node keeps the token */
  static async join(node: MeasuredNode, variant: ChannelVariant): Promise<MeasuredChannel> {
    const { MeasuredChannelJoin } = loadAddon();
    const joining = await new Promise<InstanceType<typeof MeasuredChannelJoin>>((resolve) => {
      const number = CHANNEL_VARIANTS.indexOf(variant);
      const started: InstanceType<typeof MeasuredChannelJoin> = new MeasuredChannelJoin(
        node.native,
        number,
        () => resolve(started),
      );
    });
    const channel = await refusedAs("joining the message channel", () => Promise.resolve(joining.take()));
    if (channel === null) throw new Error("the addon has no outcome of the join");
    return new MeasuredChannel(channel);
  }

  /** Broadcasts for this long, each when all nodes have done with the one before. @throws LockError where one fails */
  async send(timeMs: number, signal: AbortSignal): Promise<NodeMessageSeries[]> {
    const measured = await refusedAs("broadcasting", () =>
      resultOf((notify) => this.#start(true, timeMs, notify), signal),
    );
    return measured.map(({ step, latenciesNs }) => ({ step: known(step, SEND_STEPS), latenciesNs }));
  }

  /** Acknowledges whatever comes. */
  receive(): Receiving {
    let running: NativeMeasurement<readonly NativeNodeMessageSeries[]> | undefined;
    const result = resultOf((notify) => {
      running = this.#start(false, 0, notify);
      return running;
    }, undefined);
    // Whoever stops it hears of it.
    result.catch(() => undefined);
    return {
      stop: async () => {
        running?.stop();
        const measured = await result;
        return measured.map(({ step, latenciesNs }) => ({ step: known(step, RECEIVE_STEPS), latenciesNs }));
      },
    };
  }

  /** Gives up all of its locks. */
  close(): void {
    this.native.close();
  }

  #start(sends: boolean, timeMs: number, notify: () => void) {
    return new (loadAddon().NodeMessageMeasurement)(this.native, sends, timeMs, MOST_SAMPLES, notify);
  }
}

function known<S extends string>(name: string, steps: readonly S[]): S {
  const step = steps.find((one) => one === name);
  if (step === undefined) throw new TypeError(`unknown step ${name}`);
  return step;
}

/** Until it is stopped no core of this machine idles. */
export function keepCoresBusy(): { stop(): void } {
  return new (loadAddon().BusyCores)();
}

/** The addon's four lines as a LockError; an abort's reason as it is. */
async function refusedAs<T>(attempted: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Error && error.message.split("\n").length === 4) {
      throw lockErrorOf(attempted, error.message);
    }
    throw error;
  }
}
