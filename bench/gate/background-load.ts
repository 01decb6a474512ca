/**
 * A steady load beside the trials: a thread that works for a fixed share of every period and sleeps for the rest. It ends with the
 * recording, and by itself after `longestMs` should that never come.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export interface BackgroundLoad {
  readonly periodMs: number;
  /** Share of one core, 0 to 1. */
  readonly duty: number;
}

export const BACKGROUND_LOAD: BackgroundLoad = { periodMs: 10, duty: 0.3 };

interface LoadData extends BackgroundLoad {
  readonly gateLoad: true;
  readonly longestMs: number;
}

/** @returns stops it; it has begun to work when the promise is fulfilled */
export async function startBackgroundLoad(
  load: BackgroundLoad,
  longestMs: number,
): Promise<() => Promise<void>> {
  const data: LoadData = { gateLoad: true, longestMs, ...load };
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return async () => {
    await worker.terminate();
  };
}

/** Works and sleeps in turn until its time is over. */
function work({ periodMs, duty, longestMs }: LoadData): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + longestMs;
  let next = performance.now();
  while (next < end) {
    const until = next + duty * periodMs;
    while (performance.now() < until);
    next += periodMs;
    const pause = next - performance.now();
    // Where it was kept waiting it does not catch up: the share is an upper one.
    if (pause > 0) Atomics.wait(never, 0, 0, pause);
    else next = performance.now();
  }
}

if (!isMainThread && workerData?.gateLoad === true) {
  parentPort?.postMessage("working");
  work(workerData);
}
