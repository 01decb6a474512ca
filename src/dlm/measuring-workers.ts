/**
 * Worker threads that measure as JavaScript sees things: started together, each reporting by messages, gone at the end.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { loadAddon } from "./addon.js";
import type { MeasuredCores } from "./measurement.js";

export class MeasuringWorkers {
  private readonly workers: readonly Worker[];
  /** Rejects with what a worker throws, and where one ends before its work is done. */
  readonly failed: Promise<never>;

  /**
   * @param file the workers' module
   * @param workerData one for each worker
   */
  constructor(file: URL, workerData: readonly object[]) {
    this.workers = workerData.map((data) => new Worker(file, { workerData: data }));
    this.failed = new Promise((_, reject) => {
      for (const worker of this.workers) {
        worker.once("error", reject);
        worker.once("exit", (code) => {
          if (code !== 0) reject(new Error(`a measuring worker ended with ${code}`));
        });
      }
    });
    // It is heard where somebody waits.
    this.failed.catch(() => {});
  }

  /** The next message of each, in the order in which they were started. */
  async reports<T>(): Promise<T[]> {
    return await Promise.all(
      this.workers.map(async (worker): Promise<T> => (await once(worker, "message"))[0]),
    );
  }

  /** Tells the first worker to begin; returns what it then reports. */
  async reportOfFirst<T>(order: string): Promise<T> {
    const [first] = this.workers;
    if (first === undefined) throw new RangeError("no worker");
    const report = once(first, "message");
    first.postMessage(order);
    return (await report)[0];
  }

  async terminate(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

export interface WorkerMeasurement {
  readonly file: URL;
  readonly workerData: readonly object[];
  readonly cores: MeasuredCores;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs workers until `measure` has what it wants of them, or the signal ends it; they are gone when this returns.
 * @throws the signal's reason; what a worker throws
 */
export async function withMeasuringWorkers<T>(
  { file, workerData, cores, signal }: WorkerMeasurement,
  measure: (workers: MeasuringWorkers) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const busy = cores === "busy" ? new (loadAddon().BusyCores)() : undefined;
  const workers = new MeasuringWorkers(file, workerData);
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
  });
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([measure(workers), workers.failed, aborted]);
  } finally {
    signal?.removeEventListener("abort", abort);
    await workers.terminate();
    busy?.stop();
  }
}
