/** `slotmark calibrate`: A/A runs, and from them this machine's noise floors for `compare`. */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { differences } from "../compare/comparability.js";
import type { NamedResult } from "../compare/compare-results.js";
import { FLOOR_SAMPLING, LEAST_TRIALS_PER_SIDE, measureFloors } from "../compare/measure-floors.js";
import { preflushCost } from "../compare/preflush.js";
import { SlotmarkError } from "../errors.js";
import { slotmarkIdentity } from "../measure/identity.js";
import { calibrationText } from "../report/calibration-text.js";
import { refuseSpecialFile } from "../results/atomic-file.js";
import {
  CALIBRATION_FILE,
  CALIBRATION_VERSION,
  type Calibration,
  writeCalibration,
} from "../results/calibration.js";
import type { Result } from "../results/schema.js";
import { readResult } from "../results/store.js";
import { childRun, OWN_MAIN } from "./child-run.js";
import { interruption } from "./interruption.js";
import { ProgressLine } from "./progress-line.js";
import { repeatedOption } from "./repeated-option.js";
import { DEFAULT_RUN, refuseRunOptions, wholeNumber, withSuite } from "./run-arguments.js";

interface CalibrateOptions {
  readonly runs: string;
  readonly trials: string;
  readonly from: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** They decide where runs go and what becomes of them, which is decided here. */
const NOT_FOR_RUNS = ["resume", "list", "trace"];

export function registerCalibrate(program: Command): void {
  program
    .command("calibrate")
    .description(
      "measure this machine's noise floor: the same run several times (A/A), each by a process of its own",
    )
    .argument(
      "[run-arguments...]",
      `suite and options, as \`slotmark run\` takes them (default: ${DEFAULT_RUN.join(" ")})`,
    )
    .option("--runs <n>", "how often the same is run, at least 2", "8")
    .option("--trials <n>", "trials a run, as comparisons will have them", "12")
    .addOption(
      repeatedOption("--from <result>", "an earlier run of the same counts as one of the runs", "none"),
    )
    .option("--out <file>", `calibration file (default: ${CALIBRATION_FILE})`)
    .allowUnknownOption()
    .action(async (runArguments: string[], _: unknown, command: Command) => {
      await calibrate(runArguments, command.optsWithGlobals<CalibrateOptions>());
    });
}

async function calibrate(runArguments: readonly string[], options: CalibrateOptions): Promise<void> {
  const wanted = wholeNumber("--runs", options.runs, 2, 8);
  const trials = wholeNumber("--trials", options.trials, LEAST_TRIALS_PER_SIDE, 12);
  refuseRunOptions("calibrate", runArguments, NOT_FOR_RUNS);
  const out = path.resolve(options.out ?? CALIBRATION_FILE);
  refuseSpecialFile(out);
  const runs: NamedResult[] = options.from.map((name) => ({ name, result: readResult(name) }));
  for (const run of runs) refuseUnlike(runs[0] ?? run, run);
  const args = [...withSuite(runArguments), "--trials", String(trials)];
  const signal = interruption.listen();
  const line = new ProgressLine(() => "", options.quiet !== true);
  const folder = `${out}.runs`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  let kept = 0;
  try {
    while (runs.length < wanted) {
      line.say(`A/A run ${runs.length + 1} of ${wanted}`);
      const name = path.join(folder, `${runs.length + 1}.json`);
      const result = await childRun({ main: OWN_MAIN, args, out: name, signal });
      if (result === null) return;
      kept++;
      refuseUnlike(runs[0] ?? { name, result }, { name, result });
      runs.push({ name, result });
    }
    const results = runs.map(({ result }) => result);
    const preflush = await measurePreflush(results, args, folder, signal, line);
    if (signal.aborted) return;
    kept = 0;
    const calibration = calibrationOf(results, trials, preflush);
    writeCalibration(out, calibration);
    if (options.json) process.stdout.write(`${JSON.stringify(calibration)}\n`);
    else process.stdout.write(`${calibrationText(calibration)}\ncalibration: ${out}\n`);
  } finally {
    line.end();
    if (kept === 0) rmSync(folder, { recursive: true, force: true });
    else line.say(`The ${kept} runs measured so far are kept in ${folder}; --from takes them up again.`);
  }
}

function calibrationOf(
  runs: readonly Result[],
  trialsPerSide: number,
  preflush: Calibration["preflush"],
): Calibration {
  const [first] = runs;
  if (first === undefined) throw new Error("there are at least two runs");
  const floors = measureFloors(runs, { ...FLOOR_SAMPLING, trialsPerSide });
  if (floors.length === 0) {
    throw new SlotmarkError(
      "inconclusive",
      "calibration-too-few-trials",
      `no variant has the ${2 * LEAST_TRIALS_PER_SIDE} trials that a noise floor needs: the others had not settled`,
      "Give more --trials, or a longer --time.",
    );
  }
  return {
    calibrationVersion: CALIBRATION_VERSION,
    slotmark: slotmarkIdentity(),
    createdAt: new Date().toISOString(),
    environment: first.environment,
    backends: first.backends,
    runs: runs.length,
    ...FLOOR_SAMPLING,
    preflush,
    floors,
  };
}

/** One run more, without that flush. Where the runs have none, or the user said how durable, there is nothing to tell. */
async function measurePreflush(
  runs: readonly Result[],
  args: readonly string[],
  folder: string,
  signal: AbortSignal,
  line: ProgressLine,
): Promise<Calibration["preflush"]> {
  const chosen = args.some((argument) => /^--durability(=|$)/.test(argument));
  const flushes = JSON.stringify(runs[0]?.scenario ?? {}).includes('"preflush-fua"');
  if (chosen || !flushes) return null;
  line.say("one run without the flush before a bitmap page");
  const out = path.join(folder, "fua.json");
  const result = await childRun({ main: OWN_MAIN, args: [...args, "--durability", "fua"], out, signal });
  return result === null ? null : preflushCost(runs, result);
}

/** What happened on the machine meanwhile is part of its noise; anything else is no A/A. */
function refuseUnlike(first: NamedResult, other: NamedResult): void {
  const found = differences(first.result, other.result).filter(({ kind }) => kind !== "disturbance");
  const [one] = found;
  if (one === undefined) return;
  throw new SlotmarkError(
    "incomparable",
    "calibration-runs-differ",
    `${first.name} and ${other.name} are not runs of the same: ${one.field} is ${one.base} and ${one.head}${found.length > 1 ? ` (and ${found.length - 1} more)` : ""}`,
    "Name with --from only runs of this machine and with the same arguments.",
  );
}
