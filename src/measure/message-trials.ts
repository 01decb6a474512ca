/** The trials of a message scenario: broadcasts over the message channel, measured on native threads. */
import { availableParallelism } from "node:os";
import { type MessageMeasurement, measureMessages } from "../dlm/measure-messages.js";
import { expandMessages, type MessagePlan } from "../scenario/expand.js";
import type { MessageScenario } from "../scenario/schema.js";
import { LatencyRecord } from "./latency-record.js";
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";

export function messageTrials(scenario: MessageScenario): TrialSource {
  const trials = expandMessages(scenario, availableParallelism()).map(
    (plan): RunnableTrial => ({
      id: plan.id,
      title: `${scenario.suite}, ${plan.nodes} nodes, waiting by ${plan.waiting}, ${plan.cores} cores`,
      expectedMs: scenario.timeMs,
      run: (signal) => run(scenario, plan, signal),
    }),
  );
  return { trials, close: async () => {} };
}

async function run(
  scenario: MessageScenario,
  plan: MessagePlan,
  signal: AbortSignal,
): Promise<MeasuredTrial | null> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  const { id, ...labels } = plan;
  let measurement: MessageMeasurement;
  try {
    measurement = await measureMessages({
      ...labels,
      variant: scenario.variant,
      timeMs: scenario.timeMs,
      signal,
    });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  }
  const record = new LatencyRecord(id);
  for (const { role, step, latenciesNs } of measurement.series) {
    // The headline figure is a broadcast until every node has processed it; the steps are its parts.
    const name =
      step === "processed" && role === "send"
        ? "message_latency_ns"
        : `message_step_ns{role=${role},step=${step}}`;
    record.add(name, latenciesNs);
  }
  for (const [name, latenciesNs] of Object.entries(measurement.floors)) {
    record.add(`message_floor_ns{kind=${name.replace(/Ns$/, "")}}`, latenciesNs);
  }
  return {
    trial: {
      id,
      pair: null,
      suite: scenario.suite,
      labels,
      // A message has no rhythm to wait for.
      phase: "steady",
      startedAt,
      durationNs: Math.round((performance.now() - startedMs) * 1e6),
      metrics: record.metrics,
      histograms: record.references,
    },
    histograms: record.histograms,
  };
}
