/**
 * Latencies of broadcasts over the message channel, measured inside native code: `measureMessages` for one configuration.
 */
import { loadAddon } from "./addon.js";
import { CHANNEL_VARIANTS, type ChannelVariant, SEND_STEPS, type SendStep } from "./channel.js";
import { checkMeasured, type MeasuredCores, type MeasuredWaiting, resultOf } from "./measurement.js";

/** Of a receiver, the steps of spec §5.3; `notice` is when it saw that there is a message, and takes no time itself. */
export const RECEIVE_STEPS = [
  "notice",
  "receiveTurn",
  "messageCr",
  "processed",
  "ackNl",
  "messagePr",
  "ackCr",
  "messageNl",
] as const;
export type ReceiveStep = (typeof RECEIVE_STEPS)[number];

export interface MeasureMessagesOptions {
  /** 2 to 64, each on a native thread of its own: one sends, all others receive. */
  readonly nodes: number;
  /** The dance; default `safe`. `original` with three nodes or more deadlocks on a message and goes on, which is counted. */
  readonly variant?: ChannelVariant;
  readonly waiting: MeasuredWaiting;
  readonly cores: MeasuredCores;
  /** Time of the whole measurement, floors included. */
  readonly timeMs: number;
  /** Most messages. Default 10,000. */
  readonly samples?: number;
  /** Ends it early; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export type MessageSeries = {
  /** One number a message (and receiver), in whole nanoseconds. Empty where a step did not take place. */
  readonly latenciesNs: Float64Array;
} & (
  | { readonly role: "send"; readonly step: SendStep }
  | { readonly role: "receive"; readonly step: ReceiveStep }
);

/** What `processed` is made of, the latencies of the sender's steps added up message by message. */
export const MESSAGE_PARTS = {
  token: ["turn", "tokenEx"],
  message: ["receiveTurn", "messageEx", "messageWritten"],
  ack: ["ackEx"],
} as const satisfies { readonly [part: string]: readonly SendStep[] };
export type MessagePart = keyof typeof MESSAGE_PARTS;

export interface MessageFloors {
  /** One reading of the clock, of which each step includes one; a mean for each round. */
  readonly clockNs: Float64Array;
  /** A turn handed to a thread that sleeps on a futex; one number a turn. */
  readonly futexNs: Float64Array;
  /** A turn handed to a thread that spins; one number a turn. Empty on a machine with one core. */
  readonly spinNs: Float64Array;
  /** CPU time of one receiver for one message, alone with the sender and asleep in between; a mean for each round. */
  readonly receiverCpuNs: Float64Array;
}

export interface MessageMeasurement {
  readonly nodes: number;
  readonly variant: ChannelVariant;
  readonly waiting: MeasuredWaiting;
  readonly cores: MeasuredCores;
  readonly series: readonly MessageSeries[];
  readonly parts: { readonly [part in MessagePart]: Float64Array };
  /** Acknowledgements that ended in a deadlock with another receiver's (variant `original`). */
  readonly deadlocks: number;
  /**
   * `processed` has two hand-overs on its path, the notice and the last acknowledgement; so it cannot be faster than
   * 2 × hand-over + (nodes − 1) × receiverCpuNs ÷ cores.
   */
  readonly floors: MessageFloors;
}

/**
 * Measures one configuration on native threads; this thread stays free. Each broadcast starts when every node has done
 * with the one before. Run one measurement at a time: it wants the cores for itself.
 * @throws SlotmarkError `measure-nodes`, `measure-time`, `measure-spin` (input) for options out of range
 */
export async function measureMessages(options: MeasureMessagesOptions): Promise<MessageMeasurement> {
  checkMeasured(options, 2);
  const { nodes, variant = "safe", waiting, cores, timeMs, samples = 10_000, signal } = options;
  const measured = await resultOf(
    (notify) =>
      new (loadAddon().MessageMeasurement)(
        nodes,
        CHANNEL_VARIANTS.indexOf(variant),
        waiting === "spin",
        cores === "busy",
        timeMs,
        samples,
        notify,
      ),
    signal,
  );
  const { clockNs, futexNs, spinNs, receiverCpuNs, deadlocks } = measured;
  const floors = { clockNs, futexNs, spinNs, receiverCpuNs };
  const series = measured.series.map(seriesOf);
  return { nodes, variant, waiting, cores, series, parts: partsOf(series), deadlocks, floors };
}

function partsOf(series: readonly MessageSeries[]): MessageMeasurement["parts"] {
  const sumOf = (part: MessagePart) => {
    const steps = MESSAGE_PARTS[part].map((step) =>
      series.find((one) => one.role === "send" && one.step === step),
    );
    const [first = new Float64Array()] = steps.map((step) => step?.latenciesNs);
    return first.map((_, message) =>
      steps.reduce((sum, step) => sum + (step?.latenciesNs[message] ?? Number.NaN), 0),
    );
  };
  return { token: sumOf("token"), message: sumOf("message"), ack: sumOf("ack") };
}

function seriesOf(measured: { role: string; step: string; latenciesNs: Float64Array }): MessageSeries {
  const { latenciesNs } = measured;
  const sendStep = SEND_STEPS.find((step) => step === measured.step);
  if (measured.role === "send" && sendStep !== undefined)
    return { role: "send", step: sendStep, latenciesNs };
  const receiveStep = RECEIVE_STEPS.find((step) => step === measured.step);
  if (receiveStep !== undefined) return { role: "receive", step: receiveStep, latenciesNs };
  throw new TypeError(`unknown step ${measured.role} ${measured.step}`);
}
