/** The trials of a bitmap scenario: N nodes write a real array, with and without a bitmap. */
import { Cluster } from "../cluster/cluster.js";
import type { NodeTask } from "../cluster/node-task.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { expand, type TrialPlan } from "../scenario/expand.js";
import type { BitmapScenario } from "../scenario/schema.js";
import type { PageIo } from "../storage/page-writer.js";
import { type MeasuredTrial, measuredTrial } from "./measured-trial.js";
import type { RunArray, RunMembers } from "./run-members.js";
import type { RunProgress } from "./run-progress.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";
import type { TraceSink } from "./trace-sink.js";

/** A node that has not settled after this many daemon periods is measured as `notSteady`. */
const SETTLE_LIMIT_PERIODS = 24;

export class BitmapTrials implements TrialSource {
  readonly trials: readonly RunnableTrial[];
  private readonly clusters = new Map<number, Cluster>();

  constructor(
    private readonly scenario: BitmapScenario,
    private readonly members: RunMembers,
    private readonly io: PageIo,
    private readonly sink: TraceSink | null,
  ) {
    this.trials = expand(scenario).map((plan) => ({
      id: plan.id,
      title: titleOf(scenario, plan),
      expectedMs: bitmapTrialMs(scenario, plan),
      run: (signal, progress) => this.run(plan, signal, progress),
    }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.close()));
  }

  private async run(
    plan: TrialPlan,
    signal: AbortSignal,
    progress: RunProgress,
  ): Promise<MeasuredTrial | null> {
    const { scenario } = this;
    const array = await this.members.arrayFor(scenario, plan, signal, progress);
    if (array === null) return null;
    progress.trialStarted({ title: titleOf(scenario, plan) });
    const startedAt = new Date().toISOString();
    const measurements = await this.clusterOf(plan.nodes).runTrial(
      Array.from({ length: plan.nodes }, (_, slot) => ({
        ...nodeTask(scenario, plan, array, slot),
        io: this.io,
        traced: this.sink !== null,
      })),
      scenario.timeMs * 1e6,
      signal,
    );
    for (const { events, eventsDropped } of measurements ?? [])
      this.sink?.add(plan.id, events, eventsDropped);
    return measurements === null ? null : measuredTrial(scenario, plan, measurements, startedAt);
  }

  private clusterOf(nodes: number): Cluster {
    const cluster = this.clusters.get(nodes) ?? new Cluster(nodes);
    this.clusters.set(nodes, cluster);
    return cluster;
  }
}

function titleOf(scenario: BitmapScenario, plan: TrialPlan): string {
  const bitmap = plan.bitmap ? "with bitmap" : "without bitmap";
  return `${scenario.suite} ${plan.phase}, ${plan.nodes} ${plan.nodes === 1 ? "node" : "nodes"}, ${bitmap}`;
}

/** About how long a trial takes: a settling bitmap needs at least three passes, one to two daemon periods apart. */
export function bitmapTrialMs(scenario: BitmapScenario, plan: TrialPlan): number {
  const settlingMs = plan.bitmap && plan.phase === "steady" ? 4 * scenario.daemonSleepMs : 0;
  return Math.max(scenario.warmupMs, settlingMs) + scenario.timeMs;
}

function nodeTask(
  scenario: BitmapScenario,
  plan: TrialPlan,
  array: RunArray,
  slot: number,
): Omit<NodeTask, "control" | "io" | "traced"> {
  const daemonSleepNs = scenario.daemonSleepMs * 1e6;
  return {
    slot,
    geometry: array.geometry,
    members: array.members,
    events: array.events,
    workload: {
      kind: scenario.workload,
      seed: plan.seed,
      writeBytes: scenario.writeBytes,
      workingSetBytes: Math.min(
        scenario.workingSetBytes ?? Number.POSITIVE_INFINITY,
        array.geometry.syncSizeSectors * SECTOR_BYTES,
      ),
      node: slot,
      nodes: plan.nodes,
      overlap: scenario.overlap,
    },
    plug: scenario.plug,
    ratePerSecond: scenario.ratePerSecond === null ? null : scenario.ratePerSecond / plan.nodes,
    bitmap: plan.bitmap,
    phase: plan.phase,
    durability: scenario.durability,
    dataSync: scenario.dataSync,
    daemonSleepNs,
    warmupNs: scenario.warmupMs * 1e6,
    settleLimitNs: SETTLE_LIMIT_PERIODS * daemonSleepNs,
  };
}
