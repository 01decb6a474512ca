/** Trials of the latency suites: what one configuration gives, recorded in one way whatever was measured. */
import type { LatencyConditions } from "../scenario/expand.js";
import { LatencyRecord } from "./latency-record.js";
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";
import type { Metric } from "./trial-record.js";

/** What a trial of a latency suite found. */
export interface LatencyFigures {
  /** Nanoseconds, one number a sample, by metric. */
  readonly latencies: readonly (readonly [metric: string, latenciesNs: Float64Array])[];
  readonly metrics?: Readonly<Record<string, Metric>>;
}

type LatencyPlan = LatencyConditions & { readonly id: string; readonly nodes: number };

interface LatencyScenario {
  readonly kind: string;
  readonly suite: string;
  readonly timeMs: number;
}

/** @param measure one trial; rejects with the signal's reason where that ended it */
export function latencyTrials<P extends LatencyPlan>(
  scenario: LatencyScenario,
  plans: readonly P[],
  measure: (plan: P, signal: AbortSignal) => Promise<LatencyFigures>,
): TrialSource {
  const trials = plans.map(
    (plan): RunnableTrial => ({
      id: plan.id,
      title: titleOf(scenario, plan),
      expectedMs: latencyTrialMs(scenario, plan),
      run: (signal) => run(scenario, plan, () => measure(plan, signal), signal),
    }),
  );
  return { trials, close: async () => {} };
}

/** A worker thread takes about this long to start and to end. */
const WORKER_MS = 35;

/** About how long a trial takes. */
export function latencyTrialMs(
  { timeMs }: { readonly timeMs: number },
  plan: Omit<LatencyPlan, "id">,
): number {
  return timeMs + (plan.seenBy === "javascript" ? plan.nodes * WORKER_MS : 0);
}

function titleOf({ kind, suite }: LatencyScenario, { nodes, seenBy, waiting, cores }: LatencyPlan): string {
  const what = suite === kind ? suite : `${suite} ${kind}`;
  const where = seenBy === "native" ? "native code" : "JavaScript";
  return `${what}, ${nodes} ${nodes === 1 ? "node" : "nodes"} in ${where}, waiting by ${waiting}, ${cores} cores`;
}

async function run(
  { kind, suite }: LatencyScenario,
  { id, ...labels }: LatencyPlan,
  measure: () => Promise<LatencyFigures>,
  signal: AbortSignal,
): Promise<MeasuredTrial | null> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  let figures: LatencyFigures;
  try {
    figures = await measure();
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  }
  const record = new LatencyRecord(id);
  for (const [metric, latenciesNs] of figures.latencies) record.add(metric, latenciesNs);
  return {
    trial: {
      id,
      pair: null,
      suite,
      labels: { kind, ...labels },
      // Neither a lock nor a message has a rhythm to wait for.
      phase: "steady",
      startedAt,
      durationNs: Math.round((performance.now() - startedMs) * 1e6),
      metrics: { ...record.metrics, ...figures.metrics },
      histograms: record.references,
    },
    histograms: record.histograms,
  };
}

/** Floors by their names in a measurement (`futexNs`), as metrics of `name` (`lock_floor_ns{kind=futex}`). */
export function floorsOf(name: string, floors: object): (readonly [string, Float64Array])[] {
  return Object.entries(floors).map(
    ([kind, latenciesNs]: [string, Float64Array]) =>
      [`${name}{kind=${kind.replace(/Ns$/, "")}}`, latenciesNs] as const,
  );
}
