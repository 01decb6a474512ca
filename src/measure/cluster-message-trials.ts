/** Broadcasts over several machines: each sends in its turn, all others receive. */
import type { SendStep } from "../dlm/channel.js";
import { MeasuredChannel, type NodeMessageSeries } from "../dlm/measure-node.js";
import {
  type ClusterMessagePlan,
  type ClusterMessageScenario,
  expandClusterMessages,
} from "../scenario/cluster-scenario.js";
import {
  type ClusterFigures,
  type ClusterMachine,
  clusterTrial,
  floorLatencies,
  type Latencies,
} from "./cluster-machine.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";

const FLOOR_SHARE = 0.2;

export function clusterMessageTrials(scenario: ClusterMessageScenario, machine: ClusterMachine): TrialSource {
  const { suite, timeMs } = scenario;
  const { lockspace, gathered } = machine;
  const trials = expandClusterMessages(scenario).map(
    (plan): RunnableTrial => ({
      id: `${plan.id}/node${lockspace.slot - 1}`,
      title: `${suite}, machine ${plan.sender + 1} of ${gathered.slots.length} sends`,
      expectedMs: (1 + FLOOR_SHARE) * timeMs,
      run: (signal) =>
        clusterTrial(machine, { ...plan, suite }, signal, () => broadcasts(machine, scenario, plan, signal)),
    }),
  );
  return { trials, close: () => Promise.resolve() };
}

async function broadcasts(
  { lockspace, gathered }: ClusterMachine,
  { variant, timeMs }: ClusterMessageScenario,
  plan: ClusterMessagePlan,
  signal: AbortSignal,
): Promise<ClusterFigures> {
  const { slots, barrier } = gathered;
  const slot = slots[plan.sender] ?? 0;
  const sends = slot === lockspace.slot;
  const labels = { sender: slot - 1, role: sends ? "send" : "receive" };
  const channel = await MeasuredChannel.join(lockspace, variant);
  try {
    if (sends) {
      await barrier.meet(signal);
      const floors = await floorLatencies("message_floor_ns", plan.cores, FLOOR_SHARE * timeMs, signal);
      const series = await channel.send(timeMs, signal);
      await barrier.meet(signal);
      return { labels, latencies: [...sendLatencies(series), ...floors] };
    }
    const receiving = channel.receive();
    try {
      await barrier.meet(signal);
      // Those who receive are here first; the sender comes when it has done.
      await barrier.meet(signal);
    } finally {
      await receiving.stop();
    }
    const series = await receiving.stop();
    return {
      labels,
      latencies: series.map(({ step, latenciesNs }) => [
        `message_step_ns{role=receive,step=${step}}`,
        latenciesNs,
      ]),
    };
  } finally {
    channel.close();
  }
}

/** token, message and ack add up to what the headline figure is: until every node has processed the message. */
const PARTS: Readonly<Record<string, readonly SendStep[]>> = {
  token: ["turn", "tokenEx"],
  message: ["receiveTurn", "messageEx", "messageWritten"],
  ack: ["ackEx"],
};

function sendLatencies(series: readonly NodeMessageSeries[]): Latencies {
  const of = (step: SendStep) => series.find((one) => one.step === step)?.latenciesNs ?? new Float64Array();
  return [
    ["message_latency_ns", of("processed")],
    ...Object.entries(PARTS).map(
      ([part, steps]) => [`message_latency_ns{part=${part}}`, sumOf(steps.map(of))] as const,
    ),
    ...series
      .filter(({ step }) => step !== "processed")
      .map(({ step, latenciesNs }) => [`message_step_ns{role=send,step=${step}}`, latenciesNs] as const),
  ];
}

/** Message by message. */
function sumOf(parts: readonly Float64Array[]): Float64Array {
  return (parts[0] ?? new Float64Array()).map((_, message) =>
    parts.reduce((sum, part) => sum + (part[message] ?? 0), 0),
  );
}
