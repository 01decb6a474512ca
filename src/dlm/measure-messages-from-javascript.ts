/**
 * Broadcasts as JavaScript sees them: channels of worker threads, a send awaited in the event loop, messages processed there.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ChannelVariant } from "./channel.js";
import { checkMeasured } from "./measurement.js";

export interface MeasureMessagesFromJavaScriptOptions {
  /** 2 to 64 worker threads: one sends, all others receive. */
  readonly nodes: number;
  /** Default `safe`. Not `original`: its receivers report a deadlock for each message. */
  readonly variant?: Exclude<ChannelVariant, "original">;
  readonly timeMs: number;
  /** Most messages. Default 10,000. */
  readonly samples?: number;
  readonly signal?: AbortSignal;
}

export interface JavaScriptMessageMeasurement {
  readonly nodes: number;
  readonly variant: ChannelVariant;
  /** From the call of `send` to where its promise goes on; one number a message, in whole nanoseconds. */
  readonly sendNs: Float64Array;
  /** The native part of the same sends, `SendTimes.all`: the rest is the way from and to the event loop. */
  readonly nativeNs: Float64Array;
}

export interface MessageWorkerData {
  readonly lockspace: string;
  readonly node: number;
  readonly variant: ChannelVariant;
  readonly timeMs: number;
  readonly samples: number;
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
  const { nodes, variant = "safe", timeMs, samples = 10_000, signal } = options;
  signal?.throwIfAborted();
  const lockspace = `measure-messages-${process.pid}-${++measurements}`;
  const workers: Worker[] = [];
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // Only the race below hears it; there may be none yet.
  aborted.catch(() => {});
  try {
    const ready: Promise<unknown>[] = [];
    for (let node = 1; node <= nodes; node++) {
      const workerData: MessageWorkerData = { lockspace, node, variant, timeMs, samples };
      const worker = new Worker(new URL("./measure-messages-worker.js", import.meta.url), { workerData });
      workers.push(worker);
      ready.push(once(worker, "message"));
    }
    await Promise.race([Promise.all(ready), aborted]);
    const [sender] = workers;
    if (sender === undefined) throw new RangeError("no worker");
    const finished = once(sender, "message");
    sender.postMessage("send");
    const [{ sendNs, nativeNs }] = await Promise.race([finished, aborted]);
    return { nodes, variant, sendNs, nativeNs };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
