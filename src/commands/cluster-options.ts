/** `run --dlm kernel`: the command line as scenarios of a run over several machines. */
import path from "node:path";
import { SlotmarkError } from "../errors.js";
import { type ClusterScenario, clusterScenarioSchema, clusterSuites } from "../scenario/cluster-scenario.js";
import { parseTimeMs } from "../scenario/quantities.js";
import { optionOfField, overridesOf, type RunOptions } from "./run-options.js";
import { defaultOutPath } from "./run-output.js";

export interface ClusterPlan {
  readonly scenarios: readonly ClusterScenario[];
  readonly memberPaths: readonly string[];
  readonly machines: number;
  readonly waitMs: number;
  readonly outPath: string;
}

const WAIT_MS = 60_000;

/** @throws SlotmarkError naming the option, what it was given and what it takes */
export function clusterPlan(names: readonly string[], options: RunOptions): ClusterPlan {
  if (options.resume !== undefined) {
    throw usage(
      "cluster-resume",
      "--resume cannot take up a run over several machines",
      "Start it anew on every machine.",
    );
  }
  const { memberCount, ...overrides } = overridesOf(options);
  const suites = names.length === 0 ? ["quick"] : names;
  const known = suites.map((name) => {
    if (name !== "locks" && name !== "messages") throw notOverMachines(name);
    return clusterSuites[name];
  });
  if (memberCount === undefined) {
    throw usage(
      "cluster-members",
      "--dlm kernel needs the members of the array whose machines take part",
      "Name them with --member; `slotmark create` makes an array.",
    );
  }
  if (options.destroy.length > 0) throw foreign("--destroy", "locks and messages write nothing");
  if (options.io !== undefined) throw foreign("--io", "locks and messages write nothing");
  const scenarios = known.map((suite) => {
    for (const field of Object.keys(overrides)) {
      if (field !== "nodes" && !(field in suite)) {
        throw foreign(
          optionOfField(field),
          `the suite ${suite.suite} over several machines does not know it`,
        );
      }
    }
    return checked({ ...suite, ...overrides });
  });
  return {
    scenarios,
    memberPaths: options.member.map((member) => path.resolve(member)),
    machines: scenarios[0]?.nodes[0] ?? 0,
    waitMs: options.wait === undefined ? WAIT_MS : parseTimeMs(options.wait),
    outPath:
      options.out === undefined
        ? defaultOutPath([...scenarios.map(({ suite }) => suite), "kernel"])
        : path.resolve(options.out),
  };
}

function checked(scenario: Record<string, unknown>): ClusterScenario {
  if (scenario.nodes === undefined) {
    throw usage(
      "cluster-nodes",
      "--dlm kernel needs the number of machines that take part",
      "Say it with --nodes, the same on every machine.",
    );
  }
  const outcome = clusterScenarioSchema.safeParse(scenario);
  if (outcome.success) return outcome.data;
  const issue = outcome.error.issues[0];
  const field = String(issue?.path[0] ?? "");
  throw usage(
    "option-invalid",
    `${optionOfField(field)} ${JSON.stringify(scenario[field])} is not possible with --dlm kernel: ${issue?.message ?? "invalid"}`,
    "See `slotmark run --help` for what it takes.",
  );
}

function notOverMachines(name: string): SlotmarkError {
  return usage(
    "suite-not-over-machines",
    `--dlm kernel runs locks and messages over several machines, and not ${name}: its nodes would write the array, which they do on one machine only`,
    "Run `slotmark run locks messages --dlm kernel`, or this suite with --dlm embedded.",
  );
}

function foreign(option: string, why: string): SlotmarkError {
  return usage("option-foreign", `${option} means nothing with --dlm kernel: ${why}`, "Leave it out.");
}

function usage(code: string, message: string, remedy: string): SlotmarkError {
  return new SlotmarkError("usage", code, message, remedy);
}
