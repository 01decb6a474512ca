/**
 * One run from its scenarios to its trials: opens the members, makes or reads the array, primes what will be written, and runs
 * trial after trial. It keeps nothing: each trial goes to the caller, who journals it.
 */
import { Cluster } from "../cluster/cluster.js";
import type { NodeTask } from "../cluster/node-task.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { expand, type TrialPlan } from "../scenario/expand.js";
import type { Scenario } from "../scenario/schema.js";
import { type MeasuredTrial, measuredTrial } from "./measured-trial.js";
import type { RunMembers } from "./run-members.js";
import type { RunProgress } from "./run-progress.js";

export interface SessionOptions {
  readonly scenarios: readonly Scenario[];
  readonly members: RunMembers;
  /** Trials that a resumed run has already. */
  readonly done: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly progress: RunProgress;
  readonly onTrial: (measured: MeasuredTrial) => void | Promise<void>;
}

/** A node that has not settled after this many daemon periods is measured as `notSteady`. */
const SETTLE_LIMIT_PERIODS = 24;

/** Returns false where `signal` ended the run early. */
export async function runSession(options: SessionOptions): Promise<boolean> {
  const { scenarios, members, done, signal, progress, onTrial } = options;
  const work = scenarios.flatMap((scenario) =>
    expand(scenario)
      .filter((plan) => !done.has(plan.id))
      .map((plan) => ({ scenario, plan })),
  );
  progress.plan(work);
  const clusters = new Map<number, Cluster>();
  try {
    for (const { scenario, plan } of work) {
      if (signal.aborted) return false;
      const array = await members.arrayFor(scenario, plan, signal, progress);
      if (array === null) return false;
      let cluster = clusters.get(plan.nodes);
      if (cluster === undefined) {
        cluster = new Cluster(plan.nodes);
        clusters.set(plan.nodes, cluster);
      }
      const startedAt = new Date().toISOString();
      progress.trialStarted(scenario, plan);
      const measurements = await cluster.runTrial(
        Array.from({ length: plan.nodes }, (_, slot) => nodeTask(scenario, plan, array, slot)),
        scenario.timeMs * 1e6,
        signal,
      );
      if (measurements === null) return false;
      await onTrial(measuredTrial(scenario, plan, measurements, startedAt));
      progress.trialEnded();
    }
    return true;
  } finally {
    await Promise.all([...clusters.values()].map((cluster) => cluster.close()));
  }
}

type RunArray = NonNullable<Awaited<ReturnType<RunMembers["arrayFor"]>>>;

function nodeTask(
  scenario: Scenario,
  plan: TrialPlan,
  array: RunArray,
  slot: number,
): Omit<NodeTask, "control"> {
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
