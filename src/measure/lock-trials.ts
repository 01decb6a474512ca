/** The trials of a lock scenario: the embedded lock manager, measured on native threads and as JavaScript sees it. */
import { availableParallelism } from "node:os";
import { type LockSeries, measureLocks } from "../dlm/measure-locks.js";
import { measureLocksFromJavaScript } from "../dlm/measure-locks-from-javascript.js";
import { expandLocks, type LockPlan } from "../scenario/expand.js";
import type { LockScenario } from "../scenario/schema.js";
import { LatencyRecord } from "./latency-record.js";
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";

export function lockTrials(scenario: LockScenario): TrialSource {
  const trials = expandLocks(scenario, availableParallelism()).map(
    (plan): RunnableTrial => ({
      id: plan.id,
      title: `${scenario.suite}, ${plan.nodes} ${plan.nodes === 1 ? "node" : "nodes"} in ${plan.seenBy === "native" ? "native code" : "JavaScript"}, waiting by ${plan.waiting}`,
      expectedMs: scenario.timeMs,
      run: (signal) => run(scenario, plan, signal),
    }),
  );
  return { trials, close: async () => {} };
}

async function run(
  scenario: LockScenario,
  plan: LockPlan,
  signal: AbortSignal,
): Promise<MeasuredTrial | null> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  let measurement: LockFigures;
  try {
    measurement = await measure(plan, scenario.timeMs, signal);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  }
  const record = new LatencyRecord(plan.id);
  for (const series of measurement.series) record.add(metricName(series), series.latenciesNs);
  for (const [kind, latenciesNs] of Object.entries(measurement.floors)) {
    record.add(`lock_floor_ns{kind=${kind.replace(/Ns$/, "")}}`, latenciesNs);
  }
  const { id, ...labels } = plan;
  return {
    trial: {
      id,
      pair: null,
      suite: scenario.suite,
      labels,
      // A lock has no rhythm to wait for.
      phase: "steady",
      startedAt,
      durationNs: Math.round((performance.now() - startedMs) * 1e6),
      metrics: record.metrics,
      histograms: record.references,
    },
    histograms: record.histograms,
  };
}

interface LockFigures {
  readonly series: readonly (Omit<LockSeries, "blockers"> & { readonly blockers?: number })[];
  /** Latencies by name of the floor, with its unit. */
  readonly floors: { readonly [name: string]: Float64Array };
}

async function measure(plan: LockPlan, timeMs: number, signal: AbortSignal): Promise<LockFigures> {
  const { nodes, valueBlock } = plan;
  if (plan.seenBy === "javascript") {
    const { series, floors } = await measureLocksFromJavaScript({
      nodes,
      valueBlock,
      waiting: plan.waiting,
      timeMs,
      signal,
    });
    return { series, floors: { ...floors } };
  }
  const { series, floors } = await measureLocks({
    nodes,
    valueBlock,
    waiting: plan.waiting,
    cores: plan.cores,
    timeMs,
    signal,
  });
  return { series, floors: { ...floors } };
}

function metricName({ operation, from, to, blockers = 0 }: LockFigures["series"][number]): string {
  const mode = [from, to].filter((one) => one !== null).join("-");
  const parts = [
    `op=${operation}`,
    ...(mode === "" ? [] : [`mode=${mode}`]),
    ...(blockers > 0 ? [`blockers=${blockers}`] : []),
  ];
  return `lock_latency_ns{${parts.join(",")}}`;
}
