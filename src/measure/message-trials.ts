/** The trials of a message scenario: broadcasts over the message channel, on native threads and as JavaScript sees them. */
import { availableParallelism } from "node:os";
import { measureMessages } from "../dlm/measure-messages.js";
import { measureMessagesFromJavaScript } from "../dlm/measure-messages-from-javascript.js";
import { expandMessages, type MessagePlan } from "../scenario/expand.js";
import type { MessageScenario } from "../scenario/schema.js";
import { floorsOf, type LatencyFigures, latencyTrials } from "./latency-trials.js";
import type { TrialSource } from "./runnable-trial.js";
import type { Metric } from "./trial-record.js";

/** Of the variant `original`: how many of a broadcast's receivers were refused, each for the sake of another. */
export const DEADLOCKS_METRIC = "message_deadlocks_per_message";

export function messageTrials(scenario: MessageScenario): TrialSource {
  const plans = expandMessages(scenario, availableParallelism());
  return latencyTrials(scenario, plans, (plan, signal) =>
    plan.seenBy === "native"
      ? nativeFigures(scenario, plan, signal)
      : javaScriptFigures(scenario, plan, signal),
  );
}

type Plan<S extends MessagePlan["seenBy"]> = Extract<MessagePlan, { readonly seenBy: S }>;

async function nativeFigures(
  { variant, timeMs }: MessageScenario,
  plan: Plan<"native">,
  signal: AbortSignal,
): Promise<LatencyFigures> {
  const { series, parts, deadlocks, floors } = await measureMessages({ ...plan, variant, timeMs, signal });
  const processed = series.find(({ role, step }) => role === "send" && step === "processed");
  return {
    latencies: [
      // The headline figure is a broadcast until every node has processed it.
      ["message_latency_ns", processed?.latenciesNs ?? new Float64Array()],
      ...partsOf(parts),
      ...series
        .filter((one) => one !== processed)
        .map(
          ({ role, step, latenciesNs }) =>
            [`message_step_ns{role=${role},step=${step}}`, latenciesNs] as const,
        ),
      ...floorsOf("message_floor_ns", floors),
    ],
    metrics: deadlocksOf(variant, deadlocks, processed?.latenciesNs.length ?? 0),
  };
}

async function javaScriptFigures(
  { variant, timeMs }: MessageScenario,
  { nodes, cores }: Plan<"javascript">,
  signal: AbortSignal,
): Promise<LatencyFigures> {
  const { sendNs, nativeNs, parts, deadlocks } = await measureMessagesFromJavaScript({
    nodes,
    cores,
    variant,
    timeMs,
    signal,
  });
  return {
    latencies: [
      // A promise knows no earlier moment than the end of the whole.
      ["message_latency_ns", sendNs],
      ...partsOf(parts),
      ["message_step_ns{role=send,step=all}", nativeNs],
    ],
    metrics: deadlocksOf(variant, deadlocks, sendNs.length),
  };
}

function partsOf(parts: object): (readonly [string, Float64Array])[] {
  return Object.entries(parts).map(
    ([part, latenciesNs]: [string, Float64Array]) =>
      [`message_latency_ns{part=${part}}`, latenciesNs] as const,
  );
}

function deadlocksOf(
  variant: MessageScenario["variant"],
  deadlocks: number,
  messages: number,
): Record<string, Metric> {
  if (variant !== "original") return {};
  return {
    [DEADLOCKS_METRIC]: {
      unit: "deadlocks/message",
      direction: "lower",
      value: messages === 0 ? 0 : deadlocks / messages,
      count: messages,
    },
  };
}
