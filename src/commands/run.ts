/** `slotmark run`: measure, keep what was measured, and show it. */
import fs from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { chunkAdvice } from "../compare/chunk-advice.js";
import { SlotmarkError } from "../errors.js";
import { disturbedEnvironment, watchDisturbance } from "../measure/disturbance.js";
import { captureEnvironment } from "../measure/environment.js";
import { expectedMs } from "../measure/expected-time.js";
import { slotmarkIdentity } from "../measure/identity.js";
import { NewDisk } from "../measure/new-disk.js";
import { choosePageIo, type PageIoChoice, psyncInsteadOf } from "../measure/page-io.js";
import { RunMembers, removeTemporaryMembers } from "../measure/run-members.js";
import { RunProgress } from "../measure/run-progress.js";
import { RunTraces, tracePaths } from "../measure/run-traces.js";
import { runWarnings } from "../measure/run-warnings.js";
import { runSession } from "../measure/session.js";
import { withTax } from "../measure/tax.js";
import { refuseUnfitting } from "../measure/trace-fit.js";
import { TraceSink } from "../measure/trace-sink.js";
import { memberRoles, trialsOf } from "../measure/trials-of.js";
import { leastWrittenBytes } from "../measure/written-part.js";
import { chromeTrace } from "../report/chrome-trace.js";
import { suiteTable } from "../report/suite-table.js";
import { resultTable } from "../report/table.js";
import { writeFileAtomically } from "../results/atomic-file.js";
import { createJournal, type Journal, resumeJournal } from "../results/journal.js";
import { scenarioHash } from "../results/scenario-hash.js";
import {
  type EncodedHistograms,
  type JournalHeader,
  type Result,
  SCHEMA_VERSION,
  type Trial,
} from "../results/schema.js";
import { writeResult } from "../results/store.js";
import type { BitmapScenario, Scenario } from "../scenario/schema.js";
import { suites } from "../scenario/suites.js";
import { MEMBERS_OF_IO } from "../storage/open-page-writer.js";
import type { PageIo } from "../storage/page-writer.js";
import { fewTrialsNotices } from "./few-trials.js";
import { interruption } from "./interruption.js";
import { ProgressLine } from "./progress-line.js";
import { recordedIo, recordedScenario, scenarioToRunAgain } from "./recorded-scenario.js";
import { repeatedOption } from "./repeated-option.js";
import { type RunOptions, scenariosOf } from "./run-options.js";
import { defaultOutPath, journalPath, refuseOutput, refuseTraceOutput } from "./run-output.js";
import { runOverMachines } from "./run-over-machines.js";

export function registerRun(program: Command): void {
  program
    .command("run")
    .description("measure (default suite: quick)")
    .argument("[suite...]", "suites by name; `run --list` describes them and says how long each takes")
    .option("--list", "describe the suites and end")
    .addOption(
      repeatedOption(
        "--member <path>",
        "file or block device to write; repeat it for each",
        "two temporary files",
      ),
    )
    .addOption(
      repeatedOption("--destroy <path>", "give up what this very member holds; repeat it for each", "none"),
    )
    .option("--no-watch", "do not watch members of a clustered array for use by another host")
    .option("--nodes <n[,n]>", "node counts, 1 to 64")
    .option("--chunk <size[,size]>", "bitmap chunk sizes, such as 64K or 64M")
    .option("--size <size>", "length of the members that are made")
    .option(
      "--workload <kind[,kind]>",
      "uniform, zipf, sequential, or trace:FILE: a block trace of your own, fio iolog or text of blkparse, as it is or packed by gzip",
    )
    .option(
      "--working-set <part[,part]>",
      "part of the array that is written: a size, all, or a percentage such as 10%",
    )
    .option("--write-size <size[,size]>", "length of a write")
    .option("--plug <n[,n]>", "writes that a node submits together")
    .option(
      "--depth <n>",
      "data writes that a node has in flight at once on a member (default: all of a plug)",
    )
    .option(
      "--rate <n[,n]>",
      "open loop: writes a second of the whole cluster, or a percentage such as 10% of what a closed loop without bitmap reaches; or closed; or recorded, a trace's own times (its default)",
    )
    .option("--overlap", "let nodes write the same blocks")
    .option(
      "--dlm <backend>",
      "embedded: the lock manager inside the process; kernel: Linux's, one slotmark on each of --nodes machines",
    )
    .option("--wait <time>", "with --dlm kernel: how long to wait for the other machines (default: 60s)")
    .option(
      "--io <backend>",
      "uring: all members at once (default where the kernel has it); psync: one after another",
    )
    .option("--durability <model[,model]>", "of bitmap pages: preflush-fua, fua or none")
    .option("--data-sync", "make data writes durable as well")
    .option("--variant <name>", "whose behaviour: safe, mainline or original")
    .option("--kernel <name>", "6.1 or mainline")
    .option("--daemon-sleep <time>", "time between passes of the bitmap, such as 500ms")
    .option("--trials <n>", "trial pairs of each phase; trials of each configuration (locks, messages)")
    .option("--time <time>", "measured time of a trial without its warm-up; how long a run takes follows it")
    .option("--seed <n>", "seed of the workload")
    .option("--no-bitmap", "measure without a bitmap only")
    .option("--on-event <command>", "add-disk: run by each node that is asked for the disk, as udev would")
    .option("--trace <file>", "what the nodes did, as Chrome trace JSON (ui.perfetto.dev)")
    .option("--out <file>", "result file")
    .option("--resume <journal>", "go on with a run that was cut short")
    .option("--again <result>", "measure once more what a result file measured, on the same members")
    .action(async (names: string[], options: RunOptions, command: Command) => {
      const { json = false, quiet = false } = command.optsWithGlobals<{ json?: boolean; quiet?: boolean }>();
      if (options.list === true) listSuites(json);
      else if (options.dlm === "kernel") await runOverMachines(names, options, { json, quiet });
      else await run(names, options, { json, quiet });
    });
}

function listSuites(json: boolean): void {
  const list = [...suites].map(([name, { summary, forGating, scenarios }]) => {
    const expectedSeconds = Math.round(scenarios.reduce((sum, one) => sum + expectedMs(one), 0) / 1000);
    return { name, summary, forGating, expectedSeconds };
  });
  if (json) process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  else process.stdout.write(suiteTable(list));
}

interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly memberPaths: readonly string[];
  readonly outPath: string;
  /** Of a scenario that was measured before, the page writer that it was measured with. */
  readonly io: PageIo | undefined;
  /** Present where a run is taken up again. */
  readonly resumed: ReturnType<typeof resumeJournal> | null;
}

interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
}

async function run(names: readonly string[], options: RunOptions, output: Output): Promise<void> {
  const plan =
    options.resume === undefined || options.again !== undefined
      ? freshPlan(names, options)
      : resumedPlan(options.resume, names, options);
  const asked = plan.io ?? options.io;
  const io = choosePageIo(asked, writersOf(plan.scenarios));
  try {
    await measure(plan, io, options, output);
  } catch (error) {
    // Of a default alone, and before a trial was measured, of which the journal would be left.
    const begins = asked === undefined && !fs.existsSync(journalPath(plan.outPath));
    const instead = begins ? psyncInsteadOf(error) : null;
    if (instead === null) throw error;
    await measure(plan, instead, options, output);
  }
}

async function measure(plan: Plan, io: PageIoChoice, options: RunOptions, output: Output): Promise<void> {
  const signal = interruption.listen();
  const progress = new RunProgress();
  const line = new ProgressLine(() => progress.line, !output.quiet);
  const notice = (text: string) => line.say(text);
  let journal: Journal | null = plan.resumed?.journal ?? null;
  let members: RunMembers | null = null;
  let traces: RunTraces | null = null;
  let disk: NewDisk | null = null;
  const trace = options.trace === undefined ? null : new TraceSink();
  const trials: Trial[] = [...(plan.resumed?.contents.trials ?? [])];
  const histograms: EncodedHistograms = { ...plan.resumed?.contents.histograms };
  try {
    refuseOutput(plan.outPath, plan.memberPaths, tracePaths(plan.scenarios));
    if (options.trace !== undefined) refuseTraceOutput(options.trace);
    traces = await RunTraces.prepare(plan.scenarios, progress, signal);
    if (plan.resumed !== null) traces.refuseChanged(plan.resumed.contents.header.scenario.traces);
    const replayed = traces;
    const writing = plan.scenarios.filter((scenario) => "memberCount" in scenario);
    const { arrayPaths, diskPath } = memberRoles(plan.scenarios, plan.memberPaths);
    if (writing.length > 0) {
      members = await RunMembers.open({
        paths: arrayPaths,
        destroy: options.destroy.filter((path) => path !== diskPath),
        watch: options.watch,
        scenarios: writing,
        usedBytes: Math.max(...writing.map(leastWrittenBytes), ...traces.all.map((one) => one.touchedBytes)),
        onNotice: notice,
        signal,
      });
    }
    if (plan.resumed !== null)
      removeTemporaryMembers(plan.resumed.contents.header.environment.members.map(({ path }) => path));
    const asked = { nodes: options.nodes !== undefined, chunk: options.chunk !== undefined };
    const fit = (scenario: BitmapScenario) => members?.fit(scenario, asked) ?? scenario;
    const scenarios =
      plan.resumed === null
        ? plan.scenarios.map((scenario) => (scenario.kind === "bitmap" ? fit(scenario) : scenario))
        : plan.scenarios;
    refuseUnfitting(scenarios, traces, members);
    const header =
      plan.resumed?.contents.header ?? headerOf(scenarios, plan.memberPaths, members, traces, io.io);
    journal ??= createJournal(journalPath(plan.outPath), header);
    const open = journal;
    const opened = members;
    if (opened !== null && plan.scenarios.some(({ kind }) => kind === "addDisk")) {
      disk = NewDisk.prepare(diskPath, opened, options.destroy);
    }
    const parts = { members: opened, disk, io: io.io, trace, traces: replayed };
    const sources = scenarios.map((scenario) => trialsOf(scenario, parts));
    const counts = sources.map((source) => source.trials.length);
    for (const text of fewTrialsNotices(scenarios, counts)) notice(text);
    const disturbance = watchDisturbance();
    const finished = await runSession({
      sources,
      done: [...trials],
      signal,
      progress,
      onTrial: (measured) => {
        open.append(measured.trial, measured.histograms);
        trials.push(measured.trial);
        Object.assign(histograms, measured.histograms);
      },
    });
    line.end();
    if (trace !== null && options.trace !== undefined) {
      writeFileAtomically(path.resolve(options.trace), chromeTrace(trace.trials));
      if (trace.dropped > 0)
        notice(`The trace leaves out ${trace.dropped} page writes, for viewers take no more.`);
    }
    if (!finished) {
      keepOrDrop(open, trials.length, notice);
      return;
    }
    const { journal: _, ...runFields } = header;
    const taxed = withTax(trials);
    const advice = chunkAdvice(taxed);
    const result: Result = {
      ...runFields,
      environment: disturbedEnvironment(header.environment, disturbance()),
      trials: taxed,
      histograms,
      ...(advice.length > 0 ? { chunkAdvice: advice } : {}),
      warnings: runWarnings(scenarios, trials, header.backends.members, io, traces.all),
    };
    writeResult(plan.outPath, result);
    fs.unlinkSync(open.path);
    if (output.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else {
      process.stdout.write(resultTable(result));
      process.stdout.write(`\nresult file: ${plan.outPath}\n`);
    }
  } catch (error) {
    line.end();
    if (journal !== null) keepOrDrop(journal, trials.length, notice);
    if (signal.aborted && error === signal.reason) return;
    throw error;
  } finally {
    journal?.close();
    disk?.close();
    members?.close();
    await traces?.close();
  }
}

/** Nodes that write at once, at the most. */
function writersOf(scenarios: readonly Scenario[]): number {
  return Math.max(1, ...scenarios.flatMap((scenario) => (scenario.kind === "bitmap" ? scenario.nodes : [])));
}

/** A journal without trials keeps nothing that a new run would not have. */
function keepOrDrop(journal: Journal, trials: number, notice: (text: string) => void): void {
  if (trials === 0) fs.rmSync(journal.path, { force: true });
  else {
    notice(
      `The ${trials} trials measured so far are kept in ${journal.path}; \`slotmark run --resume ${journal.path}\` goes on from there.`,
    );
  }
}

function freshPlan(names: readonly string[], options: RunOptions): Plan {
  const { again } = options;
  const scenario =
    again === undefined
      ? { scenarios: scenariosOf(names, options), memberPaths: options.member, io: undefined }
      : scenarioToRunAgain(again, names, options);
  const { scenarios, io } = scenario;
  const outPath =
    options.out === undefined
      ? defaultOutPath(scenarios.map((scenario) => scenario.suite))
      : path.resolve(options.out);
  return {
    scenarios,
    memberPaths: scenario.memberPaths.map((member) => path.resolve(member)),
    outPath,
    io,
    resumed: null,
  };
}

/** The scenario, the members and the header come from the journal; nothing else may change the work. */
function resumedPlan(journal: string, names: readonly string[], options: RunOptions): Plan {
  if (names.length > 0) {
    throw new SlotmarkError(
      "usage",
      "resume-with-suite",
      `--resume goes on with the scenario in ${journal}; it takes no suite`,
      "Leave the suite out, or start a run anew.",
    );
  }
  const resumed = resumeJournal(path.resolve(journal));
  try {
    const recorded = recordedScenario(resumed.contents.header.scenario);
    if (recorded === null) {
      throw new SlotmarkError(
        "input",
        "journal-scenario-unknown",
        `${journal}: line 1: field scenario is not one that this version of slotmark can run`,
        "Go on with the version that started the run, or start anew.",
      );
    }
    const outPath = path.resolve(options.out ?? journal.replace(/\.journal$/, ""));
    return { ...recorded, io: recordedIo(resumed.contents.header), outPath, resumed };
  } catch (error) {
    resumed.journal.close();
    throw error;
  }
}

function headerOf(
  scenarios: readonly Scenario[],
  memberPaths: readonly string[],
  members: RunMembers | null,
  traces: RunTraces,
  io: PageIo,
): JournalHeader {
  const bitmap = scenarios.find((scenario) => scenario.kind === "bitmap");
  const writing = bitmap ?? scenarios.find((scenario) => "memberCount" in scenario);
  // Nodes of a running array write one member after another.
  const writtenBy: PageIo = bitmap === undefined ? "psync" : io;
  const locking = scenarios.some((scenario) => scenario.kind !== "bitmap");
  return {
    journal: "slotmark",
    schemaVersion: SCHEMA_VERSION,
    slotmark: slotmarkIdentity(),
    createdAt: new Date().toISOString(),
    environment: captureEnvironment(members?.paths ?? []),
    scenario: {
      suites: [...scenarios],
      members: [...memberPaths],
      ...(traces.all.length === 0 ? {} : { traces: traces.described }),
    },
    scenarioHash: scenarioHash({ suites: traces.byContent(scenarios) }),
    backends: {
      dlm: locking ? "embedded" : "none",
      io: writing === undefined ? "none" : writtenBy,
      members: writing === undefined ? "none" : MEMBERS_OF_IO[writtenBy],
    },
    variant: scenarios.find((scenario) => "variant" in scenario)?.variant ?? "safe",
    kernel: writing?.kernel ?? "mainline",
    durabilityModel: "userspace",
  };
}
