/** The trials of a node's death: how long each phase of its recovery takes, and how long the others' writers stand still. */
import { setTimeout as pauseMs } from "node:timers/promises";
import type { WriterReport } from "../cluster/array-worker-task.js";
import type { ArrayWorker } from "../cluster/array-workers.js";
import type { ClusterEvent } from "../cluster/cluster-event.js";
import { SlotmarkError } from "../errors.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { expandRecovery, type RecoveryPlan } from "../scenario/expand.js";
import type { RecoveryScenario } from "../scenario/schema.js";
import type { RunArray, RunMembers } from "./run-members.js";
import type { RunnableTrial, TrialSource } from "./runnable-trial.js";
import { addLatency, type Latencies, runOnArray } from "./running-array.js";
import type { TraceSink } from "./trace-sink.js";

const WRITE_BYTES = 4096;
/** Survivors write for so long before the node dies. */
const WRITING_MS = 200;
const POLL_MS = 2;
const NODE_MS = 80;

export function recoveryTrials(
  scenario: RecoveryScenario,
  members: RunMembers,
  trace: TraceSink | null,
): TrialSource {
  const trials = expandRecovery(scenario).map(
    (plan): RunnableTrial => ({
      id: plan.id,
      title: titleOf(plan),
      expectedMs: recoveryTrialMs(plan),
      run: (signal, progress) =>
        runOnArray(
          {
            scenario,
            plan,
            title: titleOf(plan),
            labels: { dirtyChunks: plan.dirtyChunks },
            members,
            trace,
            dataOf: () => ({}),
            work: ({ array, workers, events }) =>
              dieAndRecover(scenario, plan, array, workers, events, signal),
          },
          signal,
          progress,
        ),
    }),
  );
  return { trials, close: async () => {} };
}

/** About how long a trial takes. */
export function recoveryTrialMs({ nodes }: Pick<RecoveryPlan, "nodes">): number {
  return 2 * WRITING_MS + nodes * NODE_MS;
}

function titleOf({ nodes, dirtyChunks }: RecoveryPlan): string {
  return `recovery, ${nodes} nodes, ${dirtyChunks} dirty ${dirtyChunks === 1 ? "chunk" : "chunks"}`;
}

async function dieAndRecover(
  scenario: RecoveryScenario,
  plan: RecoveryPlan,
  array: RunArray,
  workers: readonly ArrayWorker[],
  events: readonly ClusterEvent[],
  signal: AbortSignal,
): Promise<Latencies> {
  const dead = workers.at(-1);
  const survivors = workers.slice(0, -1);
  if (dead === undefined) throw new Error("a cluster has nodes");
  await dead.order({ kind: "dirty", dirty: dirtyOrder(plan, array) });
  if (scenario.writers) await startWriters(scenario, array, survivors);
  await dead.order({ kind: "die" });
  const deadSlot = workers.length - 1;
  const recovered = () => new Set(events.filter((one) => isEnd(one, deadSlot)).map(({ node }) => node)).size;
  while (recovered() < survivors.length && !signal.aborted) await pauseMs(POLL_MS);
  const reports = scenario.writers ? await stopWriters(survivors) : [];
  await Promise.all(workers.map((worker) => worker.order({ kind: "tell" })));
  return latenciesOf(events, deadSlot, reports);
}

/** Spread evenly over the array. @throws SlotmarkError `dirty-chunks-too-many` */
function dirtyOrder({ dirtyChunks, chunkBytes }: RecoveryPlan, { geometry }: RunArray) {
  const chunks = Math.floor((geometry.syncSizeSectors * SECTOR_BYTES) / chunkBytes);
  if (dirtyChunks <= chunks) {
    return { firstChunk: 0, chunks: dirtyChunks, strideChunks: Math.floor(chunks / dirtyChunks), chunkBytes };
  }
  throw new SlotmarkError(
    "usage",
    "dirty-chunks-too-many",
    `${dirtyChunks} chunks of ${chunkBytes} bytes are to be dirty, but the array has ${chunks}`,
    "Use a larger --size, a smaller --chunk, or fewer dirty chunks.",
  );
}

/** Each writes a part of the array of its own. */
async function startWriters(
  { seed, workingSetBytes }: RecoveryScenario,
  { geometry }: RunArray,
  survivors: readonly ArrayWorker[],
): Promise<void> {
  const arrayBytes = geometry.syncSizeSectors * SECTOR_BYTES;
  const blocks = Math.floor(Math.min(workingSetBytes ?? arrayBytes, arrayBytes) / WRITE_BYTES);
  const share = Math.floor(blocks / survivors.length) * WRITE_BYTES;
  await Promise.all(
    survivors.map((worker, index) =>
      worker.order({
        kind: "startWriter",
        writer: {
          fromBytes: index * share,
          untilBytes: (index + 1) * share,
          writeBytes: WRITE_BYTES,
          seed: seed + index,
        },
      }),
    ),
  );
  await pauseMs(WRITING_MS);
}

async function stopWriters(survivors: readonly ArrayWorker[]): Promise<WriterReport[]> {
  const answers = await Promise.all(survivors.map((worker) => worker.order({ kind: "stopWriter" })));
  return answers.flatMap((answer) => (answer.kind === "written" ? [answer.report] : []));
}

/** A survivor is through with it when the slot is clean and what it took over is in line. */
function isEnd(event: ClusterEvent, deadSlot: number): boolean {
  return event.kind === "recovery" && event.deadSlot === deadSlot && event.phase === "done";
}

function latenciesOf(
  events: readonly ClusterEvent[],
  deadSlot: number,
  reports: readonly WriterReport[],
): Latencies {
  const latencies: Latencies = new Map();
  const died = events.find(({ kind, node }) => kind === "died" && node === deadSlot);
  let endNs = died?.atNs ?? 0;
  // The first that gets the slot's lock does the work; the others find the slot clean.
  const recoverer = events.find(
    (one) => one.kind === "recovery" && one.deadSlot === deadSlot && one.chunks > 0,
  );
  for (const event of events) {
    if (event.kind === "writersResumed") addLatency(latencies, "writers_suspended_ns", event.durationNs);
    if (event.kind !== "recovery" || event.deadSlot !== deadSlot) continue;
    if (event.phase === "noticed") {
      addLatency(latencies, "recovery_latency_ns{phase=noticed}", event.atNs - (died?.atNs ?? event.atNs));
      continue;
    }
    if (event.node === recoverer?.node) {
      addLatency(latencies, `recovery_latency_ns{phase=${event.phase}}`, event.durationNs);
    }
    endNs = Math.max(endNs, event.atNs + event.durationNs);
  }
  if (died !== undefined) addLatency(latencies, "recovery_latency_ns", endNs - died.atNs);
  for (const { latenciesNs } of reports) {
    for (const latencyNs of latenciesNs) addLatency(latencies, "write_latency_ns", latencyNs);
    // The longest that a writer stood still, whatever kept it.
    if (latenciesNs.length > 0)
      addLatency(
        latencies,
        "writer_longest_wait_ns",
        latenciesNs.reduce((a, b) => Math.max(a, b)),
      );
  }
  return latencies;
}
