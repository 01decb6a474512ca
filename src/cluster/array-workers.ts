/** Nodes of a running array, each on a worker thread of its own: started one after another, told what to do, heard. */
import { Worker } from "node:worker_threads";
import { SlotmarkError } from "../errors.js";
import type { ArrayAnswer, ArrayOrder, ArrayWorkerData, FromWorker } from "./array-worker-task.js";
import type { ClusterEvent } from "./cluster-event.js";
import type { NodeError } from "./node-task.js";

export interface ArrayWorkersOptions {
  readonly nodes: number;
  /** @param index the node's place, from 0: its slot */
  readonly dataOf: (index: number) => Omit<ArrayWorkerData, "node">;
  readonly onEvent: (event: ClusterEvent) => void;
  readonly signal: AbortSignal;
}

/** One node; orders are answered in the order in which they were given. */
export class ArrayWorker {
  private readonly worker: Worker;
  private readonly waiting: {
    readonly resolve: (answer: ArrayAnswer) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  private ended: unknown = null;
  /** Resolves when the node has joined. */
  readonly joined: Promise<ArrayAnswer>;

  constructor(data: ArrayWorkerData, onEvent: (event: ClusterEvent) => void) {
    this.worker = new Worker(new URL("./array-worker.js", import.meta.url), { workerData: data });
    this.joined = this.next();
    this.worker.on("message", (message: FromWorker) => {
      if ("events" in message) for (const event of message.events) onEvent(event);
      else if ("answer" in message) this.waiting.shift()?.resolve(message.answer);
      else this.waiting.shift()?.reject(errorOf(message.failed));
    });
    this.worker.once("error", (error) => this.end(error));
    this.worker.once("exit", () => this.end(new Error("a node's thread ended before it had answered")));
  }

  /** @throws what the node threw */
  order(order: ArrayOrder): Promise<ArrayAnswer> {
    this.worker.postMessage(order);
    return this.next();
  }

  /** Ends the thread, and with it the node, without a word. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }

  private next(): Promise<ArrayAnswer> {
    const answer = new Promise<ArrayAnswer>((resolve, reject) => {
      if (this.ended !== null) reject(this.ended);
      else this.waiting.push({ resolve, reject });
    });
    // Whoever does not wait for it ends the node.
    answer.catch(() => {});
    return answer;
  }

  private end(error: unknown): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}

/**
 * Starts the nodes and has `work` do something with them; they are gone when this returns.
 * @throws the signal's reason; what a node or `work` throws
 */
export async function withArrayWorkers<T>(
  options: ArrayWorkersOptions,
  work: (workers: readonly ArrayWorker[]) => Promise<T>,
): Promise<T> {
  const { nodes, dataOf, onEvent, signal } = options;
  signal.throwIfAborted();
  const workers: ArrayWorker[] = [];
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener("abort", abort, { once: true });
  const run = async () => {
    for (let index = 0; index < nodes; index++) {
      const worker = new ArrayWorker({ ...dataOf(index), node: index + 1 }, onEvent);
      workers.push(worker);
      // One after the other, so that the n-th has the n-th slot.
      await worker.joined;
    }
    return await work(workers);
  };
  try {
    return await Promise.race([run(), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function errorOf({ kind, code, message, remedy }: NodeError): SlotmarkError {
  return new SlotmarkError(kind, code, message, remedy);
}
