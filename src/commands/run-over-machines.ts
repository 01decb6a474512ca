/** `slotmark run --dlm kernel`: this machine's part of a run over several, measured, kept and shown. */
import fs from "node:fs";
import { type GatheredMachines, gatherMachines } from "../cluster/gather-machines.js";
import {
  joinKernelLockspace,
  type KernelLockspace,
  kernelLockspaceLeftBehind,
} from "../dlm/kernel-lockspace.js";
import { SlotmarkError } from "../errors.js";
import { clusterLockTrials } from "../measure/cluster-lock-trials.js";
import type { ClusterMachine } from "../measure/cluster-machine.js";
import { clusterMessageTrials } from "../measure/cluster-message-trials.js";
import { captureEnvironment } from "../measure/environment.js";
import { slotmarkIdentity } from "../measure/identity.js";
import { RunProgress } from "../measure/run-progress.js";
import { runSession } from "../measure/session.js";
import { resultTable } from "../report/table.js";
import { createJournal, type Journal } from "../results/journal.js";
import { scenarioHash } from "../results/scenario-hash.js";
import {
  type EncodedHistograms,
  type JournalHeader,
  type Result,
  SCHEMA_VERSION,
  type Trial,
  type Warning,
} from "../results/schema.js";
import { writeResult } from "../results/store.js";
import type { ClusterScenario } from "../scenario/cluster-scenario.js";
import { readSharedArray, type SharedArray } from "../storage/shared-array.js";
import { type ClusterPlan, clusterPlan } from "./cluster-options.js";
import { interruption } from "./interruption.js";
import { ProgressLine } from "./progress-line.js";
import type { RunOptions } from "./run-options.js";
import { journalPath, refuseOutput } from "./run-output.js";

export async function runOverMachines(
  names: readonly string[],
  options: RunOptions,
  output: { readonly json: boolean; readonly quiet: boolean },
): Promise<void> {
  const plan = clusterPlan(names, options);
  refuseOutput(plan.outPath, plan.memberPaths);
  const array = await readSharedArray(plan.memberPaths);
  refuseTooFewSlots(plan, array);
  const signal = interruption.listen();
  const progress = new RunProgress();
  const line = new ProgressLine(() => progress.line, !output.quiet);
  let lockspace: KernelLockspace | null = null;
  let journal: Journal | null = null;
  const trials: Trial[] = [];
  const histograms: EncodedHistograms = {};
  try {
    noteWhatIsLeft(array, (text) => line.say(text));
    lockspace = await unlessAborted(
      joinKernelLockspace({ arrayUuid: array.uuid, slots: array.slots }),
      signal,
    );
    lockspace.ref();
    const gathered = await gather(lockspace, plan, signal, (text) => line.say(text));
    const header = headerOf(plan, array, { lockspace, gathered });
    const open = createJournal(journalPath(plan.outPath), header);
    journal = open;
    const machine = { lockspace, gathered };
    const finished = await runSession({
      sources: plan.scenarios.map((scenario) => trialsOf(scenario, machine)),
      done: [],
      signal,
      progress,
      onTrial: (measured) => {
        open.append(measured.trial, measured.histograms);
        trials.push(measured.trial);
        Object.assign(histograms, measured.histograms);
      },
    });
    line.end();
    if (!finished) {
      keepOrDrop(open, trials.length, (text) => line.say(text));
      return;
    }
    await farewell(gathered, signal);
    const { journal: _, ...runFields } = header;
    const result: Result = { ...runFields, trials, histograms, warnings: warningsOf() };
    writeResult(plan.outPath, result);
    fs.unlinkSync(open.path);
    if (output.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else process.stdout.write(`${resultTable(result)}\nresult file: ${plan.outPath}\n`);
    if (gathered.slots.length > 1 && !output.quiet) {
      line.say("`slotmark merge` makes one result of the files of all machines.");
    }
  } catch (error) {
    line.end();
    if (journal !== null) keepOrDrop(journal, trials.length, (text) => line.say(text));
    if (signal.aborted && error === signal.reason) return;
    throw error;
  } finally {
    line.end();
    journal?.close();
    // By force: a measurement that failed may have left locks.
    if (lockspace !== null && !lockspace.gone) await lockspace.leave({ force: true });
  }
}

async function gather(
  lockspace: KernelLockspace,
  { machines, waitMs, scenarios }: ClusterPlan,
  signal: AbortSignal,
  notice: (text: string) => void,
): Promise<GatheredMachines> {
  notice(`This machine is in slot ${lockspace.slot - 1}.`);
  let waiting = 0;
  return await gatherMachines(lockspace, {
    machines,
    // Machines have to repeat their trials equally often as well.
    workHash: scenarioHash({ suites: [...scenarios], rounds: scenarios.map(({ trials }) => trials) }),
    timeoutMs: waitMs,
    signal,
    onArrival: (come) => {
      if (come < machines && come !== waiting) {
        notice(`${come} of ${machines} machines are here; waiting up to ${waitMs / 1000} s for the others.`);
      }
      waiting = come;
    },
  });
}

function trialsOf(scenario: ClusterScenario, machine: ClusterMachine) {
  return scenario.kind === "clusterLocks"
    ? clusterLockTrials(scenario, machine)
    : clusterMessageTrials(scenario, machine);
}

/** Nobody leaves while another may still look whether he has come to the last meeting. */
async function farewell({ barrier }: GatheredMachines, signal: AbortSignal): Promise<void> {
  await barrier.meet(signal);
  try {
    await barrier.meet(signal);
  } catch (error) {
    // Whoever has passed may go.
    if (!(error instanceof SlotmarkError) || error.code !== "cluster-machine-gone") throw error;
  }
}

function headerOf(
  plan: ClusterPlan,
  array: SharedArray,
  { lockspace, gathered }: ClusterMachine,
): JournalHeader {
  const suites = [...plan.scenarios];
  const environment = captureEnvironment(plan.memberPaths);
  const messages = suites.find((scenario) => scenario.kind === "clusterMessages");
  return {
    journal: "slotmark",
    schemaVersion: SCHEMA_VERSION,
    slotmark: slotmarkIdentity(),
    createdAt: new Date().toISOString(),
    environment,
    scenario: { suites, members: [...plan.memberPaths] },
    scenarioHash: scenarioHash({ suites }),
    backends: { dlm: "kernel", io: "none", members: "none" },
    variant: messages?.variant ?? "safe",
    kernel: "mainline",
    durabilityModel: "userspace",
    cluster: {
      run: gathered.run,
      arrayUuid: array.uuid,
      nodes: gathered.slots.length,
      machines: [{ node: lockspace.slot - 1, environment }],
    },
  };
}

function warningsOf(): Warning[] {
  return [
    {
      code: "kernel-dlm-from-user-space",
      text: "The kernel's DLM was used from user space: each latency has a system call and a wake-up through the lockspace's device in it, which md inside the kernel does not pay.",
    },
  ];
}

function keepOrDrop(journal: Journal, trials: number, notice: (text: string) => void): void {
  if (trials === 0) fs.rmSync(journal.path, { force: true });
  else {
    notice(
      `The ${trials} trials that this machine has measured are kept in ${journal.path}; a run over several machines cannot be resumed.`,
    );
  }
}

function noteWhatIsLeft({ uuid }: SharedArray, notice: (text: string) => void): void {
  const name = kernelLockspaceLeftBehind(uuid);
  if (name === null) return;
  notice(
    `This machine has joined the lockspace ${name} already: another slotmark runs on this array here, or one was killed. Once none runs, \`dlm_tool leave ${name}\` gives it up.`,
  );
}

function refuseTooFewSlots({ machines }: ClusterPlan, { slots }: SharedArray): void {
  if (machines <= slots) return;
  throw new SlotmarkError(
    "input",
    "nodes-exceed-slots",
    `--nodes asks for ${machines} machines, but the array on these members has ${slots} slots`,
    `Use --nodes ${slots} or fewer, or make an array with more slots.`,
  );
}

/** Of what cannot be ended: nobody waits for it any longer. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
