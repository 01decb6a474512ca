/**
 * Locks over several machines. Alone: one machine after the other goes through all operations on a resource that its own machine
 * (local) or the next one (remote) decides on, for whoever uses a resource first is its master (spec §7.5). Contended: all machines
 * stand in line for EX, so that each conversion to it waits until all others have had it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { measureNodeLocks, type NodeLatencySeries, standInLine } from "../dlm/measure-node.js";
import {
  type ClusterLockPlan,
  type ClusterLockScenario,
  expandClusterLocks,
} from "../scenario/cluster-scenario.js";
import {
  type ClusterFigures,
  type ClusterMachine,
  clusterTrial,
  floorLatencies,
  type Latencies,
} from "./cluster-machine.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";

/** Floors take this part of a turn's time on top. */
const FLOOR_SHARE = 0.2;

export function clusterLockTrials(scenario: ClusterLockScenario, machine: ClusterMachine): TrialSource {
  const { suite, timeMs } = scenario;
  const turns = machine.gathered.slots.length;
  const trials = expandClusterLocks(scenario).map(
    (plan, index): RunnableTrial => ({
      id: `${plan.id}/node${machine.lockspace.slot - 1}`,
      title: `${suite}, ${plan.situation}, ${turns} ${turns === 1 ? "machine" : "machines"}`,
      expectedMs: (1 + FLOOR_SHARE) * timeMs * (plan.situation === "contended" ? 1 : turns),
      run: (signal) =>
        clusterTrial(machine, { ...plan, suite }, signal, () =>
          plan.situation === "contended"
            ? contended(machine, plan, index, timeMs, signal)
            : alone(machine, plan, index, timeMs, signal),
        ),
    }),
  );
  return { trials, close: () => Promise.resolve() };
}

async function alone(
  { lockspace, gathered }: ClusterMachine,
  { situation, valueBlock, cores }: ClusterLockPlan,
  trial: number,
  timeMs: number,
  signal: AbortSignal,
): Promise<ClusterFigures> {
  const { slots, barrier, run } = gathered;
  let latencies: Latencies = [];
  for (const [turn, slot] of slots.entries()) {
    const resource = `locks-${run}-${trial}-${slot}`;
    const master = situation === "local" ? slot : slots[(turn + 1) % slots.length];
    const keeper = master === lockspace.slot ? lockspace.request(resource, "NL") : null;
    await keeper?.completion;
    await barrier.meet(signal);
    if (slot === lockspace.slot) {
      const floors = await floorLatencies("lock_floor_ns", cores, FLOOR_SHARE * timeMs, signal);
      const series = await measureNodeLocks(lockspace, { resource, valueBlock }, timeMs, signal);
      latencies = [...series.map((one) => [metricName(one), one.latenciesNs] as const), ...floors];
    }
    await barrier.meet(signal);
    await keeper?.lock.unlock();
  }
  return { labels: { valueBlock, contended: false, master: situation }, latencies };
}

async function contended(
  { lockspace, gathered }: ClusterMachine,
  { valueBlock, cores }: ClusterLockPlan,
  trial: number,
  timeMs: number,
  signal: AbortSignal,
): Promise<ClusterFigures> {
  const { slots, barrier, run } = gathered;
  const resource = `locks-${run}-${trial}`;
  const isMaster = slots[trial % slots.length] === lockspace.slot;
  const keeper = isMaster ? lockspace.request(resource, "NL") : null;
  await keeper?.completion;
  await barrier.meet(signal);
  const floors = await floorLatencies("lock_floor_ns", cores, FLOOR_SHARE * timeMs, signal);
  const line = standInLine(lockspace, { resource, valueBlock });
  try {
    // Everybody is in line before anybody records, and stays there until everybody has recorded.
    await barrier.meet(signal);
    line.record(true);
    await recorded(timeMs, signal);
    line.record(false);
    await barrier.meet(signal);
  } finally {
    await line.stop();
  }
  const series = await line.stop();
  await keeper?.lock.unlock();
  return {
    labels: { valueBlock, contended: true, master: isMaster ? "local" : "remote" },
    latencies: [...series.map((one) => [metricName(one), one.latenciesNs] as const), ...floors],
  };
}

async function recorded(timeMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(timeMs, undefined, { signal });
  } catch (error) {
    // The timer rejects with an error of its own; callers know the signal's reason.
    signal.throwIfAborted();
    throw error;
  }
}

function metricName({ operation, from, to }: NodeLatencySeries): string {
  const mode = [from, to].filter((one) => one !== null).join("-");
  return `lock_latency_ns{op=${operation},mode=${mode}}`;
}
