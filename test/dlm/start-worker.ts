/**
 * Starts threads of `lock-worker.ts` and `channel-worker.ts`, and waits until they have joined.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ChannelWorkerData } from "./channel-worker.js";
import type { LockWorkerData } from "./lock-worker.js";

const started = new Set<Worker>();

export function startWorker(workerData: LockWorkerData): Promise<Worker> {
  return startAndWait("./lock-worker.js", workerData);
}

export function startChannelWorker(workerData: ChannelWorkerData): Promise<Worker> {
  return startAndWait("./channel-worker.js", workerData);
}

/** For `after`: a test that failed must not leave threads that keep its process alive. */
export async function terminateWorkers(): Promise<void> {
  await Promise.all([...started].map((worker) => worker.terminate()));
}

async function startAndWait(file: string, workerData: LockWorkerData | ChannelWorkerData): Promise<Worker> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData });
  started.add(worker);
  worker.once("exit", () => started.delete(worker));
  await once(worker, "message");
  return worker;
}
