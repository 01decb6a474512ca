/** This machine in a run over several: its lockspace, the others, and how a trial that all take at once becomes its record. */
import type { GatheredMachines } from "../cluster/gather-machines.js";
import type { Lockspace } from "../dlm/lockspace.js";
import { measureLocks } from "../dlm/measure-locks.js";
import { keepCoresBusy, type MeasuredNode } from "../dlm/measure-node.js";
import type { ClusterCores } from "../scenario/cluster-scenario.js";
import { LatencyRecord } from "./latency-record.js";
import type { MeasuredTrial } from "./measured-trial.js";
import type { TrialRecord } from "./trial-record.js";

export interface ClusterMachine {
  readonly lockspace: Lockspace & MeasuredNode;
  readonly gathered: GatheredMachines;
}

/** Nanoseconds, one number a sample, by metric. */
export type Latencies = readonly (readonly [metric: string, latenciesNs: Float64Array])[];

export interface ClusterFigures {
  readonly labels: TrialRecord["labels"];
  readonly latencies: Latencies;
}

/**
 * One trial on this machine. Null where `signal` ended it.
 * @param measure takes the machine's part; rejects with the signal's reason where that ended it
 */
export async function clusterTrial(
  { lockspace, gathered }: ClusterMachine,
  plan: { readonly id: string; readonly suite: string; readonly cores: ClusterCores },
  signal: AbortSignal,
  measure: () => Promise<ClusterFigures>,
): Promise<MeasuredTrial | null> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  const busy = plan.cores === "busy" ? keepCoresBusy() : null;
  let figures: ClusterFigures;
  try {
    figures = await measure();
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  } finally {
    busy?.stop();
  }
  const node = lockspace.slot - 1;
  const id = `${plan.id}/node${node}`;
  const record = new LatencyRecord(id);
  for (const [metric, latenciesNs] of figures.latencies) record.add(metric, latenciesNs);
  return {
    trial: {
      id,
      pair: null,
      suite: plan.suite,
      labels: {
        nodes: gathered.slots.length,
        node,
        ...figures.labels,
        seenBy: "native",
        waiting: "sleep",
        cores: plan.cores,
      },
      // Neither a lock nor a message has a rhythm to wait for.
      phase: "steady",
      startedAt,
      durationNs: Math.round((performance.now() - startedMs) * 1e6),
      metrics: record.metrics,
      histograms: record.references,
    },
    histograms: record.histograms,
  };
}

/** What no completion that comes through another thread can be faster than, measured now and here. */
export async function floorLatencies(
  name: string,
  cores: ClusterCores,
  timeMs: number,
  signal: AbortSignal,
): Promise<Latencies> {
  const { floors } = await measureLocks({
    nodes: 1,
    valueBlock: false,
    waiting: "sleep",
    cores,
    timeMs,
    signal,
  });
  return [
    [`${name}{kind=clock}`, floors.clockNs],
    [`${name}{kind=futex}`, floors.futexNs],
  ];
}
