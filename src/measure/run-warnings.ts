/** What a reader of a run's figures has to know before believing them. */
import { availableParallelism } from "node:os";
import type { Scenario } from "../scenario/schema.js";
import { suites } from "../scenario/suites.js";
import { DEADLOCKS_METRIC } from "./message-trials.js";
import type { PageIoChoice } from "./page-io.js";
import type { RunTrace } from "./run-traces.js";
import { traceWarnings } from "./trace-warnings.js";
import type { TrialRecord } from "./trial-record.js";

export interface RunWarning {
  readonly code: string;
  readonly text: string;
}

/** Later than this at a trial's end means that the rate was not kept up. */
const LATE_NS = 100e6;

export function runWarnings(
  scenarios: readonly Scenario[],
  trials: readonly TrialRecord[],
  members: "none" | "serial" | "parallel",
  io: PageIoChoice,
  traces: readonly RunTrace[],
): RunWarning[] {
  const warnings: RunWarning[] = [];
  const warn = (code: string, text: string) => warnings.push({ code, text });

  for (const suite of new Set(scenarios.map((scenario) => scenario.suite))) {
    if (suites.get(suite)?.forGating === false) {
      warn(
        "not-for-gating",
        `The suite ${suite} takes few, short trials: look at it, but let it decide nothing.`,
      );
    }
  }
  if (members !== "none" && io.fallback !== null) {
    warn("io-uring-refused", `${capital(io.fallback)}: pages and data were written with io psync instead.`);
  }
  if (members === "serial") {
    warn(
      "members-serial",
      "The members are written one after another (io psync), so latencies are sums over members; md writes them at once.",
    );
  }
  if (trials.some((trial) => trial.labels.directIo === false)) {
    warn("no-direct-io", "A member's filesystem knows no O_DIRECT: writes went through the page cache.");
  }
  if (trials.some((trial) => trial.labels.registeredBuffers === false)) {
    warn(
      "buffers-not-registered",
      "The kernel would not pin the memory that io_uring writes from (ulimit -l, RLIMIT_MEMLOCK): it was mapped for each write, which costs CPU.",
    );
  }
  const notSteady = trials.filter((trial) => trial.phase === "notSteady").length;
  if (notSteady > 0) {
    const settling = trials.filter(
      (trial) => trial.labels.plannedPhase === "steady" && trial.labels.bitmap === "on",
    ).length;
    warn(
      "not-steady",
      `${notSteady} of ${settling} steady trials had not settled; their figures are marked notSteady and give no advice. A longer --time or a shorter --daemon-sleep helps.`,
    );
  }
  const cores = availableParallelism();
  const spinning = scenarios.flatMap((scenario) =>
    "waiting" in scenario && scenario.waiting.includes("spin") ? scenario.nodes : [],
  );
  const without = [...new Set(spinning)].filter((nodes) => nodes > cores).sort((a, b) => a - b);
  if (without.length > 0) {
    warn(
      "no-spin",
      `Threads that spin need a core each: with ${without.join(", ")} nodes on ${cores} cores they were not measured.`,
    );
  }
  warnings.push(...traceWarnings(traces, trials));
  warnings.push(...deadlockWarnings(trials), ...failureWarnings(trials));
  const late = trials.filter((trial) => (trial.metrics.open_loop_delay_ns?.value ?? 0) > LATE_NS).length;
  if (late > 0) {
    warn(
      "rate-not-reached",
      `In ${late} trials the nodes could not keep up with the rate; latencies there grow with the trial's length. Lower --rate.`,
    );
  }
  return warnings;
}

function failureWarnings(trials: readonly TrialRecord[]): RunWarning[] {
  const warnings = trials
    .filter(({ labels }) => labels.failure !== undefined)
    .map(({ id, labels }) => ({
      code: "member-failed",
      text:
        `${labels.failure}. From trial ${id} on the array ran degraded, without ${labels.failedMember}: the trials are labelled so, ` +
        "and no tax is taken of one with a member and one without.",
    }));
  if (warnings.length > 0 || trials.every(({ labels }) => labels.degraded !== true)) return warnings;
  return [
    {
      code: "array-degraded",
      text: "The array lacked a member from the beginning: figures are of the members that were left.",
    },
  ];
}

/** The first patch's dance, run on purpose. */
function deadlockWarnings(trials: readonly TrialRecord[]): RunWarning[] {
  const worst = new Map<number, number>();
  for (const { labels, metrics } of trials) {
    const deadlocks = metrics[DEADLOCKS_METRIC]?.value ?? 0;
    if (deadlocks > 0) {
      const receivers = Number(labels.nodes) - 1;
      worst.set(receivers, Math.max(deadlocks, worst.get(receivers) ?? 0));
    }
  }
  if (worst.size === 0) return [];
  const counts = [...worst].map(([receivers, deadlocks]) => `${deadlocks.toFixed(2)} with ${receivers}`);
  return [
    {
      code: "message-deadlock",
      text:
        "Variant original: where a message has two receivers or more, each converts CR to EX on `message` and waits for the other's " +
        `CR to go, a deadlock (EDEADLK; up to ${counts.join(", ")} receivers, a message). Here whoever is refused gives its CR up ` +
        "and queues again, so that the run goes on; the patch itself ignored the error.",
    },
  ];
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
