/**
 * N nodes, each on its own worker thread, that run trials together: one start barrier, one measured interval for all.
 * Piscina runs N tasks at once only with minThreads = maxThreads = N.
 */
import { Piscina } from "piscina";
import { SlotmarkError } from "../errors.js";
import { MemberFailed } from "../storage/device-error.js";
import { monotonicNs } from "../storage/monotonic.js";
import { Control } from "./control.js";
import { compileOnOwnThread, compileSoon } from "./node-compilation.js";
import type { NodeAnswer, NodeMeasurement, NodeTask } from "./node-task.js";

/** Between the last node's settling and the first measured plug: enough for every thread to see the interval. */
const LEAD_IN_NS = 5_000_000;
const POLL_MS = 2;

export class Cluster {
  private readonly pool: Piscina;

  constructor(readonly nodes: number) {
    compileOnOwnThread();
    this.pool = new Piscina({
      filename: new URL("./node-worker.js", import.meta.url).href,
      name: "runNode",
      minThreads: nodes,
      maxThreads: nodes,
      concurrentTasksPerWorker: 1,
      atomics: "disabled",
      recordTiming: false,
    });
  }

  /**
   * Runs one trial. Returns the nodes' measurements, or null where `signal` stopped it.
   * @throws SlotmarkError what the first failing node reported
   */
  async runTrial(
    tasks: readonly Omit<NodeTask, "control">[],
    timeNs: number,
    signal: AbortSignal,
  ): Promise<NodeMeasurement[] | null> {
    const control = Control.forMembers(tasks[0]?.members.length ?? 0);
    const stop = () => control.stop();
    signal.addEventListener("abort", stop);
    try {
      const running = tasks.map(
        (task) => this.pool.run({ ...task, control: control.buffer }) as Promise<NodeAnswer>,
      );
      const settled = Promise.allSettled(running);
      let over = false;
      void settled.then(() => {
        over = true;
      });
      await until(() => over || control.stopped || control.readyNodes === this.nodes);
      compileSoon();
      control.start();
      await until(() => over || control.stopped || control.settledNodes === this.nodes);
      const fromNs = monotonicNs() + LEAD_IN_NS;
      control.measure(fromNs, fromNs + timeNs);
      return answersOf(await settled);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

function answersOf(outcomes: PromiseSettledResult<NodeAnswer>[]): NodeMeasurement[] | null {
  const measurements: NodeMeasurement[] = [];
  let stopped = false;
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
    if (outcome.value.outcome === "failed") {
      const { kind, code, message, remedy, memberPath } = outcome.value.error;
      throw memberPath === undefined
        ? new SlotmarkError(kind, code, message, remedy)
        : new MemberFailed(memberPath, message, remedy);
    }
    if (outcome.value.outcome === "stopped") stopped = true;
    else measurements.push(outcome.value.measurement);
  }
  return stopped ? null : measurements;
}
