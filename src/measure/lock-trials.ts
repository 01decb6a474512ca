/** The trials of a lock scenario: the embedded lock manager, measured on native threads and as JavaScript sees it. */
import { availableParallelism } from "node:os";
import { type LockSeries, measureLocks } from "../dlm/measure-locks.js";
import {
  type JavaScriptLockSeries,
  measureLocksFromJavaScript,
} from "../dlm/measure-locks-from-javascript.js";
import { expandLocks, type LockPlan } from "../scenario/expand.js";
import type { LockScenario } from "../scenario/schema.js";
import { floorsOf, type LatencyFigures, latencyTrials } from "./latency-trials.js";
import type { TrialSource } from "./runnable-trial.js";

export function lockTrials(scenario: LockScenario): TrialSource {
  const { timeMs } = scenario;
  const plans = expandLocks(scenario, availableParallelism());
  return latencyTrials(scenario, plans, (plan, signal) => measure(plan, timeMs, signal));
}

async function measure(plan: LockPlan, timeMs: number, signal: AbortSignal): Promise<LatencyFigures> {
  const { series, floors } =
    plan.seenBy === "native"
      ? await measureLocks({ ...plan, timeMs, signal })
      : await measureLocksFromJavaScript({ ...plan, timeMs, signal });
  return {
    latencies: [
      ...series.map((one) => [metricName(one), one.latenciesNs] as const),
      ...floorsOf("lock_floor_ns", floors),
    ],
  };
}

function metricName(series: LockSeries | JavaScriptLockSeries): string {
  const { operation, from, to } = series;
  const mode = [from, to].filter((one) => one !== null).join("-");
  const { blockers = 0, waiters = 0 } = "blockers" in series ? series : {};
  const parts = [
    `op=${operation}`,
    `mode=${mode}`,
    ...(blockers > 0 ? [`blockers=${blockers}`] : []),
    ...(waiters > 0 ? [`waiters=${waiters}`] : []),
  ];
  return `lock_latency_ns{${parts.join(",")}}`;
}
