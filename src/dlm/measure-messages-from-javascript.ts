/**
 * Broadcasts as JavaScript sees them: channels of worker threads, a send awaited in the event loop, messages processed there.
 */
import type { ChannelVariant } from "./channel.js";
import type { MessagePart } from "./measure-messages.js";
import { checkMeasured, type MeasuredCores } from "./measurement.js";
import { withMeasuringWorkers } from "./measuring-workers.js";

export interface MeasureMessagesFromJavaScriptOptions {
  /** 2 to 64 worker threads: one sends, all others receive. */
  readonly nodes: number;
  /** As of `measureMessages`. */
  readonly variant?: ChannelVariant;
  readonly cores: MeasuredCores;
  readonly timeMs: number;
  /** Most messages. Default 10,000. */
  readonly samples?: number;
  readonly signal?: AbortSignal;
}

/** What the sender reports: one number a message, in whole nanoseconds. */
export interface SentFromJavaScript {
  /** From the call of `send` to where its promise goes on. */
  readonly sendNs: Float64Array;
  /** The native part of the same sends, `SendTimes.all`: the rest is the way from and to the event loop. */
  readonly nativeNs: Float64Array;
  /** Of `nativeNs`, up to the last acknowledgement. The receivers' event loops are part of `ack`. */
  readonly parts: { readonly [part in MessagePart]: Float64Array };
}

export interface JavaScriptMessageMeasurement extends SentFromJavaScript {
  readonly nodes: number;
  readonly variant: ChannelVariant;
  readonly cores: MeasuredCores;
  /** Acknowledgements that ended in a deadlock with another receiver's (variant `original`). */
  readonly deadlocks: number;
}

export interface MessageWorkerData {
  readonly lockspace: string;
  readonly node: number;
  readonly variant: ChannelVariant;
  readonly timeMs: number;
  readonly samples: number;
  /** One 32-bit word: deadlocks of all workers. */
  readonly deadlocks: SharedArrayBuffer;
}

let measurements = 0;

/**
 * Measures one configuration on worker threads of its own; each message starts when the one before is processed.
 * @throws SlotmarkError `measure-nodes`, `measure-time` (input); what a worker throws
 */
export async function measureMessagesFromJavaScript(
  options: MeasureMessagesFromJavaScriptOptions,
): Promise<JavaScriptMessageMeasurement> {
  checkMeasured(options, 2);
  const { nodes, variant = "safe", cores, timeMs, samples = 10_000, signal } = options;
  const lockspace = `measure-messages-${process.pid}-${++measurements}`;
  const deadlocks = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const shared = { lockspace, variant, timeMs, samples, deadlocks };
  const workerData = Array.from(
    { length: nodes },
    (_, index): MessageWorkerData => ({ ...shared, node: index + 1 }),
  );
  const file = new URL("./measure-messages-worker.js", import.meta.url);
  const sent = await withMeasuringWorkers({ file, workerData, cores, signal }, async (workers) => {
    await workers.reports();
    return workers.reportOfFirst<SentFromJavaScript>("send");
  });
  return { nodes, variant, cores, ...sent, deadlocks: Atomics.load(new Int32Array(deadlocks), 0) };
}
