/** The trials of a bitmap scenario: N nodes write a real array, with and without a bitmap. */

import type { WorkloadOptions } from "../bitmap/workload.js";
import { Cluster } from "../cluster/cluster.js";
import type { NodeTask } from "../cluster/node-task.js";
import type { WritesTask } from "../cluster/write-source.js";
import { SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { expand, findsMaximum, type TrialPlan } from "../scenario/expand-bitmap.js";
import type { BitmapScenario } from "../scenario/schema.js";
import { isTrace } from "../scenario/trace-workload.js";
import type { PageIo } from "../storage/page-writer.js";
import { ClosedLoopMaxima } from "./closed-loop-maximum.js";
import { degradedLabels, type LostMember } from "./degraded-labels.js";
import { type MeasuredTrial, measuredTrial, type TracedTrial } from "./measured-trial.js";
import type { RunArray, RunMembers } from "./run-members.js";
import type { RunProgress } from "./run-progress.js";
import type { RunTrace, RunTraces } from "./run-traces.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";
import type { TraceSink } from "./trace-sink.js";
import type { TrialRecord } from "./trial-record.js";
import { touchedBlocks, type WrittenPart, workingSetBytes, writesBeforeRepeat } from "./written-part.js";

/** A node that has not settled after this many daemon periods is measured as `notSteady`. */
const SETTLE_LIMIT_PERIODS = 24;

/** One attempt at a trial, on the members that are left. */
interface Attempt {
  readonly plan: TrialPlan;
  readonly ratePerSecond: number | null;
  /** Of each node, by slot. */
  readonly writesTasks: readonly WritesTask[];
  readonly traced: TracedTrial | null;
  /** Members that failed since the trial before. */
  readonly lost: readonly LostMember[];
}

export class BitmapTrials implements TrialSource {
  readonly trials: readonly RunnableTrial[];
  private readonly plans: readonly TrialPlan[];
  private readonly maxima = new ClosedLoopMaxima();
  private readonly clusters = new Map<number, Cluster>();

  constructor(
    private readonly scenario: BitmapScenario,
    private readonly members: RunMembers,
    private readonly io: PageIo,
    private readonly sink: TraceSink | null,
    private readonly traces: RunTraces,
  ) {
    this.plans = expand(scenario);
    this.trials = this.plans.map((plan) => ({
      id: plan.id,
      title: titleOf(scenario, plan),
      expectedMs: bitmapTrialMs(scenario, plan),
      run: (signal, progress) => this.run(plan, signal, progress),
    }));
  }

  recall(done: ReadonlyMap<string, TrialRecord>): void {
    for (const plan of this.plans) {
      const trial = done.get(plan.id);
      if (trial !== undefined) this.maxima.note(plan, trial);
    }
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
    const trace = isTrace(plan.workload) ? this.traces.of(plan.workload) : null;
    const split = (await trace?.forNodes(plan.nodes, scenario.overlap, signal)) ?? null;
    const ratePerSecond =
      trace !== null && split !== null && plan.rate === "recorded"
        ? trace.recordedRate(split)
        : this.maxima.ratePerSecond(plan);
    const writes = writesBeforeRepeat(plan.nodes, ratePerSecond, scenario.daemonSleepMs);
    const lost: LostMember[] = [];
    for (;;) {
      const array = await this.members.arrayFor(
        scenario,
        plan,
        (geometry) => (trace === null ? writtenPart(scenario, plan, geometry, writes) : tracedPart(trace)),
        signal,
        progress,
      );
      if (array === null) return null;
      lost.push(...array.lost);
      progress.trialStarted({ title: titleOf(scenario, plan) });
      const writesTasks: WritesTask[] =
        trace !== null && split !== null
          ? trace.writesOf(split, ratePerSecond, plan.seed)
          : workloadsOf(scenario, plan, array.geometry).map((workload) => ({
              kind: "generated",
              workload,
              writesBeforeRepeat: scenario.priming === "touched" ? writes : null,
              ratePerSecond: ratePerSecond === null ? null : ratePerSecond / plan.nodes,
            }));
      const traced = trace === null ? null : { touchedBytes: trace.touchedBytes, parts: split?.parts ?? 0 };
      try {
        const measured = await this.runOn(array, { plan, ratePerSecond, writesTasks, traced, lost }, signal);
        if (measured !== null) this.maxima.note(plan, measured.trial);
        return measured;
      } catch (error) {
        // While the nodes began: what fails later they see to themselves.
        this.members.memberFailed(error);
      }
    }
  }

  private async runOn(
    array: RunArray,
    { plan, ratePerSecond, writesTasks, traced, lost }: Attempt,
    signal: AbortSignal,
  ): Promise<MeasuredTrial | null> {
    const { scenario } = this;
    const startedAt = new Date().toISOString();
    const measurements = await this.clusterOf(plan.nodes).runTrial(
      writesTasks.map((nodeWrites, slot) => ({
        ...nodeTask(scenario, plan, array, slot),
        writes: nodeWrites,
        io: this.io,
        traced: this.sink !== null,
      })),
      scenario.timeMs * 1e6,
      signal,
    );
    if (measurements === null) return null;
    for (const { events, eventsDropped } of measurements) this.sink?.add(plan.id, events, eventsDropped);
    const failed = measurements
      .flatMap(({ failedMembers }) => failedMembers)
      .map(({ member, message }) => ({ path: array.members[member]?.path ?? "", message }));
    this.members.lose(failed, Math.max(...measurements.map(({ arrayEvents }) => arrayEvents)));
    const labels = degradedLabels(array.degraded, [...lost, ...failed]);
    return measuredTrial(scenario, plan, ratePerSecond, traced, measurements, startedAt, labels);
  }

  private clusterOf(nodes: number): Cluster {
    const cluster = this.clusters.get(nodes) ?? new Cluster(nodes);
    this.clusters.set(nodes, cluster);
    return cluster;
  }
}

function titleOf(scenario: BitmapScenario, plan: TrialPlan): string {
  const nodes = `${plan.nodes} ${plan.nodes === 1 ? "node" : "nodes"}`;
  if (findsMaximum(plan)) return `${scenario.suite}, ${nodes}: the most without bitmap in closed loop`;
  const bitmap = plan.bitmap ? "with bitmap" : "without bitmap";
  return `${scenario.suite} ${plan.phase}, ${nodes}, ${bitmap}`;
}

/** About how long a trial takes: a settling bitmap takes some five passes, a daemon period apart or a little more. */
export function bitmapTrialMs(scenario: BitmapScenario, plan: TrialPlan): number {
  const settlingMs = plan.bitmap && plan.phase === "steady" ? 5 * scenario.daemonSleepMs : 0;
  return Math.max(scenario.warmupMs, settlingMs) + scenario.timeMs;
}

function writtenPart(
  scenario: BitmapScenario,
  plan: TrialPlan,
  geometry: SlotGeometry,
  writes: number,
): WrittenPart {
  if (scenario.priming === "workingSet")
    return {
      kind: "range",
      lengthBytes: workingSetBytes(plan.workingSet, geometry.syncSizeSectors * SECTOR_BYTES),
    };
  const { nodes, workload, workingSet, writeBytes, plug, seed } = plan;
  return {
    kind: "blocks",
    name: [nodes, workload, workingSet, writeBytes, plug, seed, writes].join("/"),
    blocks: () => touchedBlocks(geometry, workloadsOf(scenario, plan, geometry), writes, plug),
  };
}

function tracedPart({ summary, touched }: RunTrace): WrittenPart {
  return { kind: "blocks", name: summary.sha256, blocks: () => touched };
}

/** Of each node, by slot; a trace's are no such. */
function workloadsOf(scenario: BitmapScenario, plan: TrialPlan, geometry: SlotGeometry): WorkloadOptions[] {
  const { workload } = plan;
  if (isTrace(workload)) return [];
  return Array.from({ length: plan.nodes }, (_, slot) => ({
    kind: workload,
    seed: plan.seed,
    writeBytes: plan.writeBytes,
    workingSetBytes: workingSetBytes(plan.workingSet, geometry.syncSizeSectors * SECTOR_BYTES),
    node: slot,
    nodes: plan.nodes,
    overlap: scenario.overlap,
  }));
}

function nodeTask(scenario: BitmapScenario, plan: TrialPlan, array: RunArray, slot: number) {
  const daemonSleepNs = scenario.daemonSleepMs * 1e6;
  return {
    slot,
    geometry: array.geometry,
    members: array.members,
    events: array.events,
    degraded: array.degraded,
    plug: plan.plug,
    depth: scenario.depth,
    bitmap: plan.bitmap,
    phase: plan.phase,
    durability: plan.durability,
    dataSync: scenario.dataSync,
    daemonSleepNs,
    warmupNs: scenario.warmupMs * 1e6,
    settleLimitNs: SETTLE_LIMIT_PERIODS * daemonSleepNs,
  } satisfies Partial<NodeTask>;
}
