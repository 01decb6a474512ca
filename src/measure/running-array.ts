/** A trial on a running array: an array that no node has run yet, its nodes on worker threads, their events, its record. */

import type { ArrayWorkerData } from "../cluster/array-worker-task.js";
import { type ArrayWorker, withArrayWorkers } from "../cluster/array-workers.js";
import type { ClusterEvent } from "../cluster/cluster-event.js";
import type { MatrixPoint } from "../scenario/expand.js";
import type { AddDiskScenario, RecoveryScenario } from "../scenario/schema.js";
import { degradedLabels, type LostMember } from "./degraded-labels.js";
import { LatencyRecord } from "./latency-record.js";
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunArray, RunMembers } from "./run-members.js";
import type { RunProgress } from "./run-progress.js";
import type { TraceSink } from "./trace-sink.js";
import type { TrialRecord } from "./trial-record.js";

type RunningScenario = AddDiskScenario | RecoveryScenario;

/** Latencies by metric, one number a sample. */
export type Latencies = Map<string, number[]>;

export function addLatency(latencies: Latencies, metric: string, latencyNs: number): void {
  const samples = latencies.get(metric);
  if (samples === undefined) latencies.set(metric, [latencyNs]);
  else samples.push(latencyNs);
}

export interface RunningTrial<P extends MatrixPoint & { readonly id: string }> {
  readonly scenario: RunningScenario;
  readonly plan: P;
  readonly title: string;
  readonly labels: TrialRecord["labels"];
  readonly members: RunMembers;
  readonly trace: TraceSink | null;
  /** What differs between nodes. */
  readonly dataOf: (index: number) => Partial<ArrayWorkerData>;
  /** Has the nodes do what is measured; `events` grows meanwhile. */
  readonly work: (running: {
    readonly array: RunArray;
    readonly workers: readonly ArrayWorker[];
    readonly events: readonly ClusterEvent[];
  }) => Promise<Latencies>;
}

/** Returns null where `signal` ended it. */
export async function runOnArray<P extends MatrixPoint & { readonly id: string }>(
  { scenario, plan, title, labels, members, trace, dataOf, work }: RunningTrial<P>,
  signal: AbortSignal,
  progress: RunProgress,
): Promise<MeasuredTrial | null> {
  const array = await members.freshArrayFor(scenario, plan, signal, progress);
  if (array === null) return null;
  const pathOf = (device: number) =>
    array.members.find(({ superblock }) => superblock.devNumber === device)?.path;
  progress.trialStarted({ title });
  const events: ClusterEvent[] = [];
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  let latencies: Latencies;
  try {
    latencies = await withArrayWorkers(
      {
        nodes: plan.nodes,
        signal,
        dataOf: (index) => ({
          memberPaths: array.members.map(({ path }) => path),
          visiblePaths: [],
          newDisks: "search",
          eventCommand: null,
          variant: scenario.variant,
          kernel: scenario.kernel,
          durability: scenario.durability,
          daemonSleepMs: scenario.daemonSleepMs,
          timeouts: {},
          traced: trace !== null,
          ...dataOf(index),
        }),
        onEvent: (event) => events.push(event),
      },
      (workers) => work({ array, workers, events }),
    );
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  } finally {
    trace?.add(plan.id, events);
  }
  const failed = failedIn(events, pathOf);
  members.lose(failed, null);
  const record = new LatencyRecord(plan.id);
  for (const [metric, samples] of latencies) record.add(metric, Float64Array.from(samples));
  return {
    trial: {
      id: plan.id,
      pair: null,
      suite: scenario.suite,
      labels: {
        kind: scenario.kind,
        nodes: plan.nodes,
        chunkBytes: plan.chunkBytes,
        ...labels,
        ...degradedLabels(array.degraded, [...array.lost, ...failed]),
      },
      phase: "steady",
      startedAt,
      durationNs: Math.round((performance.now() - startedMs) * 1e6),
      metrics: record.metrics,
      histograms: record.references,
    },
    histograms: record.histograms,
  };
}

/** Members that failed while the nodes ran, which told each other and the superblocks. */
function failedIn(
  events: readonly ClusterEvent[],
  pathOf: (device: number) => string | undefined,
): LostMember[] {
  return events.flatMap((event) => {
    if (event.kind !== "memberFaulty" || event.by !== "io") return [];
    const path = pathOf(event.device);
    return path === undefined
      ? []
      : [{ path, message: `member ${path}: failed on the node of slot ${event.node} and was left out` }];
  });
}
