/** `run`'s options as scenarios: each suite named, overridden by what the command line says. */
import { SlotmarkError } from "../errors.js";
import { parseSizeBytes, parseTimeMs } from "../scenario/quantities.js";
import { isScenarioFile, readScenarioFile } from "../scenario/scenario-file.js";
import type { Scenario } from "../scenario/schema.js";
import { scenarioSchema } from "../scenario/schema.js";
import { suiteNamed } from "../scenario/suites.js";
import { impliedRate, isTrace, withAbsolutePath } from "../scenario/trace-workload.js";

/** As commander hands them over: texts, and booleans for flags. */
export interface RunOptions {
  readonly member: readonly string[];
  readonly destroy: readonly string[];
  readonly watch: boolean;
  readonly bitmap: boolean;
  readonly nodes?: string;
  readonly chunk?: string;
  readonly size?: string;
  readonly workload?: string;
  readonly workingSet?: string;
  readonly writeSize?: string;
  readonly plug?: string;
  readonly depth?: string;
  readonly rate?: string;
  readonly overlap?: boolean;
  readonly dlm?: string;
  readonly wait?: string;
  readonly io?: string;
  readonly durability?: string;
  readonly dataSync?: boolean;
  readonly variant?: string;
  readonly kernel?: string;
  readonly daemonSleep?: string;
  readonly trials?: string;
  readonly time?: string;
  readonly seed?: string;
  readonly onEvent?: string;
  readonly trace?: string;
  readonly out?: string;
  readonly resume?: string;
  readonly again?: string;
  readonly list?: boolean;
}

/** The option that sets a scenario's field, for messages. */
const OPTION_OF_FIELD: Readonly<Record<string, string>> = {
  nodes: "--nodes",
  chunkBytes: "--chunk",
  sizeBytes: "--size",
  workload: "--workload",
  workingSet: "--working-set",
  workingSetBytes: "--working-set",
  writeBytes: "--write-size",
  plug: "--plug",
  depth: "--depth",
  rate: "--rate",
  durability: "--durability",
  variant: "--variant",
  kernel: "--kernel",
  daemonSleepMs: "--daemon-sleep",
  trials: "--trials",
  timeMs: "--time",
  seed: "--seed",
  memberCount: "--member",
  eventCommand: "--on-event",
  overlap: "--overlap",
  dataSync: "--data-sync",
  bitmap: "--no-bitmap",
};

export function optionOfField(field: string): string {
  return OPTION_OF_FIELD[field] ?? field;
}

/** @throws SlotmarkError naming the option, what it was given and what it takes */
export function scenariosOf(suites: readonly string[], options: RunOptions): Scenario[] {
  refuseWhatIsNotThere(options);
  refuseSingleMember(options);
  const overrides = overridesOf(options);
  return (suites.length === 0 ? ["quick"] : suites).flatMap((name) => {
    const scenarios = isScenarioFile(name) ? readScenarioFile(name) : suiteNamed(name).scenarios;
    for (const field of Object.keys(overrides)) refuseForeign(name, scenarios, field);
    return scenarios.map((scenario, part) =>
      check({ ...scenario, ...overridesFor(scenario, part, overrides) }),
    );
  });
}

/** What a suite measures beside its first part takes what it knows of the options, and keeps its own node counts. */
function overridesFor(
  scenario: Scenario,
  part: number,
  overrides: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(overrides)) {
    const own = fieldOf(scenario, field);
    if (own !== undefined && (part === 0 || field !== "nodes"))
      known[own] = singleWhere(scenario, own, value);
  }
  if (scenario.kind !== "addDisk" || typeof known.memberCount !== "number") return known;
  // The last one named is the disk to add.
  const memberCount = known.memberCount - 1;
  if (memberCount >= 2) return { ...known, memberCount };
  throw new SlotmarkError(
    "usage",
    "members-too-few",
    `the suite ${scenario.suite} was given ${known.memberCount} members; it needs two for the array and, as the last, the disk to add`,
    "Name another --member, or none for temporary files.",
  );
}

/** Running arrays have one working set, in bytes. */
function fieldOf(scenario: Scenario, field: string): string | undefined {
  if (field in scenario) return field;
  return field === "workingSet" && "workingSetBytes" in scenario ? "workingSetBytes" : undefined;
}

/** Options that are an axis of some suites and one value of others. */
function singleWhere(scenario: Scenario, field: string, value: unknown): unknown {
  if (!Array.isArray(value) || Array.isArray(Reflect.get(scenario, field))) return value;
  if (value.length === 1) return value[0];
  throw new SlotmarkError(
    "usage",
    "option-invalid",
    `${optionOfField(field)} has one value in the suite ${scenario.suite}, not ${value.length}`,
    "Name one of them.",
  );
}

/** Backends that the command line names and this version does not have. */
function refuseWhatIsNotThere({ dlm = "embedded", wait }: RunOptions): void {
  if (dlm !== "embedded") {
    throw new SlotmarkError(
      "usage",
      "dlm-unavailable",
      `there is no lock manager named ${JSON.stringify(dlm)}`,
      "Use --dlm embedded, the lock manager inside the process, or --dlm kernel, Linux's.",
    );
  }
  if (wait !== undefined) {
    throw new SlotmarkError(
      "usage",
      "option-foreign",
      "--wait means nothing without --dlm kernel: there is no other machine to wait for",
      "Leave it out.",
    );
  }
}

/** An option that the suite does not know would change nothing, which nobody wants who gives it. */
function refuseForeign(suite: string, scenarios: readonly Scenario[], field: string): void {
  if (scenarios.some((scenario) => fieldOf(scenario, field) !== undefined)) return;
  const option = OPTION_OF_FIELD[field] ?? field;
  throw new SlotmarkError(
    "usage",
    "option-foreign",
    `${option} means nothing to the suite ${suite}`,
    "Leave it out, or run a suite that writes members.",
  );
}

function refuseSingleMember({ member }: RunOptions): void {
  if (member.length !== 1) return;
  throw new SlotmarkError(
    "usage",
    "members-too-few",
    `only ${member[0]} was named as a member; an array has at least two`,
    "Name another --member, or none for two temporary files.",
  );
}

/** The scenario's fields that options set. @throws SlotmarkError `option-invalid`, `size-invalid`, `time-invalid` */
export function overridesOf(options: RunOptions): Record<string, unknown> {
  // A file's name may hold commas.
  const workload = options.workload
    ?.split(/,(?=(?:uniform|zipf|sequential)(?:,|$)|trace:)/)
    .map((text) => withAbsolutePath(text, process.cwd()));
  refuseBesideTraces(workload ?? [], options);
  const overrides: Record<string, unknown> = {
    nodes: options.nodes?.split(",").map((text) => count("--nodes", text)),
    chunkBytes: options.chunk?.split(",").map(parseSizeBytes),
    sizeBytes: options.size && parseSizeBytes(options.size),
    workload,
    workingSet: options.workingSet?.split(",").map(partOfArray),
    writeBytes: options.writeSize?.split(",").map(parseSizeBytes),
    plug: options.plug?.split(",").map((text) => count("--plug", text)),
    depth: options.depth && count("--depth", options.depth),
    rate: options.rate === undefined ? impliedRate(workload ?? []) : options.rate.split(",").map(rateOf),
    overlap: options.overlap,
    durability: options.durability?.split(","),
    dataSync: options.dataSync,
    variant: options.variant,
    kernel: options.kernel,
    daemonSleepMs: options.daemonSleep && Math.round(parseTimeMs(options.daemonSleep)),
    trials: options.trials && count("--trials", options.trials),
    timeMs: options.time && Math.round(parseTimeMs(options.time)),
    seed: options.seed && count("--seed", options.seed),
    bitmap: options.bitmap ? undefined : "off",
    eventCommand: options.onEvent,
    memberCount: options.member.length > 0 ? options.member.length : undefined,
  };
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}

function rateOf(text: string): number | string {
  return text === "closed" || text === "recorded" || text.endsWith("%") ? text : count("--rate", text);
}

/** What a trace says itself, nobody can ask otherwise. */
function refuseBesideTraces(workloads: readonly unknown[], { workingSet, writeSize }: RunOptions): void {
  const option = workingSet !== undefined ? "--working-set" : writeSize !== undefined ? "--write-size" : null;
  if (option === null || workloads.length === 0 || !workloads.every(isTrace)) return;
  throw new SlotmarkError(
    "usage",
    "option-foreign",
    `${option} means nothing to --workload trace: where a trace writes, and how much at a time, is in the trace`,
    "Leave it out.",
  );
}

function partOfArray(text: string): number | string {
  return text === "all" || text.endsWith("%") ? text : parseSizeBytes(text);
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new SlotmarkError(
    "usage",
    "option-invalid",
    `${option} takes a number, not ${JSON.stringify(text)}`,
    `Try ${option} 4.`,
  );
}

function check(scenario: Record<string, unknown>): Scenario {
  const checked = scenarioSchema.safeParse(scenario);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const field = String(issue?.path[0] ?? "");
  const option = OPTION_OF_FIELD[field] ?? field;
  throw new SlotmarkError(
    "usage",
    "option-invalid",
    `${option} ${JSON.stringify(scenario[field])} is not possible: ${issue?.message ?? "invalid"}`,
    "See `slotmark run --help` for what it takes.",
  );
}
