/** The trials of adding a disk to a running array: the initiator's and the receivers' steps, by node count and outcome. */

import type { ClusterEvent } from "../cluster/cluster-event.js";
import { DEFAULT_TIMEOUTS } from "../cluster/node-options.js";
import { type AddDiskPlan, expandAddDisk } from "../scenario/expand.js";
import type { AddDiskScenario } from "../scenario/schema.js";
import type { NewDisk } from "./new-disk.js";
import type { RunMembers } from "./run-members.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";
import { addLatency, type Latencies, runOnArray } from "./running-array.js";
import type { TraceSink } from "./trace-sink.js";

/** A worker thread takes about this long to start, to join and to end. */
const NODE_MS = 80;

export function addDiskTrials(
  scenario: AddDiskScenario,
  members: RunMembers,
  disk: NewDisk,
  trace: TraceSink | null,
): TrialSource {
  const trials = expandAddDisk(scenario).map(
    (plan): RunnableTrial => ({
      id: plan.id,
      title: titleOf(plan),
      expectedMs: addDiskTrialMs(scenario, plan),
      run: (signal, progress) =>
        runOnArray(
          {
            scenario,
            plan,
            title: titleOf(plan),
            labels: { outcome: plan.outcome, ...timeoutsOf(scenario, plan) },
            members,
            trace,
            dataOf: (index) => nodeOf(scenario, plan, disk, index),
            work: async ({ workers, events }) => {
              const [initiator] = workers;
              const latencies: Latencies = new Map();
              const untilMs = performance.now() + scenario.timeMs;
              do {
                const answer = await initiator?.order({ kind: "addDisk", ...disk.request });
                if (answer?.kind !== "added" && answer?.kind !== "notAdded") throw unexpected(answer);
                requireOutcome(plan, answer.kind === "added" ? "added" : answer.errno);
                disk.taken();
                addLatency(latencies, "add_disk_latency_ns", answer.durationNs);
                if (answer.kind === "added")
                  await initiator?.order({ kind: "removeDisk", device: answer.device });
              } while (performance.now() < untilMs && !signal.aborted);
              await Promise.all(workers.map((worker) => worker.order({ kind: "tell" })));
              for (const event of events) addStep(latencies, event);
              return latencies;
            },
          },
          signal,
          progress,
        ),
    }),
  );
  return { trials, close: async () => {} };
}

/** About how long a trial takes. */
export function addDiskTrialMs(
  { timeMs, newDeviceTimeoutMs }: AddDiskScenario,
  { nodes, outcome }: Pick<AddDiskPlan, "nodes" | "outcome">,
): number {
  const waitingMs = outcome === "unanswered" ? LOCK_TIMEOUTS * newDeviceTimeoutMs : 0;
  return Math.max(timeMs, waitingMs) + nodes * NODE_MS;
}

function titleOf({ nodes, outcome }: AddDiskPlan): string {
  return `add-disk, ${nodes} nodes, ${outcome}`;
}

/** The last node is the one that does not see the disk, or does not answer. */
function nodeOf(scenario: AddDiskScenario, plan: AddDiskPlan, disk: NewDisk, index: number) {
  const { nodes, outcome } = plan;
  const last = index === nodes - 1;
  const { newDeviceTimeoutMs, lockTimeoutMs } = timeoutsOf(scenario, plan);
  return {
    visiblePaths: last && outcome === "refused" ? [] : [disk.path],
    newDisks: last && outcome === "unanswered" ? ("manual" as const) : ("search" as const),
    eventCommand: scenario.eventCommand,
    timeouts: { newDeviceMs: newDeviceTimeoutMs, lockMs: lockTimeoutMs },
  };
}

/** The sender waits longer than the nodes that it asks, as in the kernel (30 s and 5 s). */
const LOCK_TIMEOUTS = 6;

/** The scenario's where it is waited for; a disk that is found or refused has the kernel's, so that a busy machine makes no outcome. */
function timeoutsOf(scenario: AddDiskScenario, { outcome }: Pick<AddDiskPlan, "outcome">) {
  const { newDeviceTimeoutMs: asked } = scenario;
  const newDeviceTimeoutMs = outcome === "unanswered" ? asked : Math.max(asked, DEFAULT_TIMEOUTS.newDeviceMs);
  return { newDeviceTimeoutMs, lockTimeoutMs: LOCK_TIMEOUTS * newDeviceTimeoutMs };
}

const OUTCOMES = { confirmed: "added", refused: "ENOENT", unanswered: "ETIMEDOUT" } as const;

function requireOutcome({ outcome }: AddDiskPlan, found: string): void {
  if (OUTCOMES[outcome] !== found)
    throw new Error(`${outcome} was to end with ${OUTCOMES[outcome]}, not ${found}`);
}

function unexpected(answer: unknown): Error {
  return new Error(`not an answer to an added disk: ${JSON.stringify(answer)}`);
}

function addStep(latencies: Latencies, event: ClusterEvent): void {
  if (event.kind === "addDisk")
    addLatency(latencies, `add_disk_latency_ns{step=${event.step}}`, event.durationNs);
}
