/**
 * Starts a thread of `lock-worker.ts` and waits until it has joined and holds its lock.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LockWorkerData } from "./lock-worker.js";

export async function startWorker(workerData: LockWorkerData): Promise<Worker> {
  const worker = new Worker(new URL("./lock-worker.js", import.meta.url), { workerData });
  await once(worker, "message");
  return worker;
}
