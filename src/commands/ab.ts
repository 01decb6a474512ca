/** `slotmark ab`: two builds, settings, members or environments run by turns on this machine, then compared. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { SlotmarkError } from "../errors.js";
import { PACKAGE_ROOT } from "../measure/identity.js";
import { fileError } from "../results/atomic-file.js";
import { parseTimeMs } from "../scenario/quantities.js";
import { AbSession, LEAST_ROUNDS, type TimeLimit } from "./ab-session.js";
import { DECIDED_BY_AB, sideOf, variedKinds } from "./ab-sides.js";
import { type CompareCommandOptions, compareOptions, withCompareOptions } from "./compare-options.js";
import { concludeComparison } from "./compare-output.js";
import { interruption } from "./interruption.js";
import { ProgressLine } from "./progress-line.js";
import { repeatedOption } from "./repeated-option.js";
import { DEFAULT_RUN, refuseRunOptions, wholeNumber, withSuite } from "./run-arguments.js";
import { SideBuilds } from "./side-builds.js";

interface AbOptions extends CompareCommandOptions {
  readonly a: string;
  readonly b: string;
  readonly memberA: readonly string[];
  readonly memberB: readonly string[];
  readonly envA: readonly string[];
  readonly envB: readonly string[];
  readonly trials?: string;
  readonly untilDecided?: boolean;
  readonly timeLimit?: string;
  readonly seed: string;
  readonly out?: string;
  readonly builds?: string;
  readonly quiet?: boolean;
}

const DEFAULT_TIME_LIMIT = "30min";

export function registerAb(program: Command): void {
  const command = program
    .command("ab")
    .description(
      "two builds, settings or members run by turns, so that drift cancels, then compared: exit codes as of compare",
    )
    .argument("<a>", "folder with a built slotmark, or a git ref, which is built: before the change")
    .argument("<b>", "the same for after it; the same build again for two settings or members")
    .argument(
      "[run-arguments...]",
      `suite and options of both sides, as \`slotmark run\` takes them (default: ${DEFAULT_RUN.join(" ")})`,
    )
    .option("--a <options>", "options of `run` for side A alone, such as '--plug 1'", "")
    .option("--b <options>", "options of `run` for side B alone", "")
    .addOption(repeatedOption("--member-a <path>", "member of side A alone; repeat it for each", "none"))
    .addOption(repeatedOption("--member-b <path>", "member of side B alone; repeat it for each", "none"))
    .addOption(
      repeatedOption("--env-a <name=value>", "environment variable of side A alone; repeat it", "none"),
    )
    .addOption(
      repeatedOption("--env-b <name=value>", "environment variable of side B alone; repeat it", "none"),
    )
    .option(
      "--trials <n>",
      `rounds: trials of each side (default: ${LEAST_ROUNDS}, or more where that many figures need them)`,
    )
    .option(
      "--until-decided",
      "add rounds until every figure is decided; looking now and then makes no more false alarms than looking once",
    )
    .option(
      "--time-limit <time>",
      `with --until-decided: begin no round that would end later, such as 90min (default: ${DEFAULT_TIME_LIMIT})`,
    )
    .option("--seed <n>", "of the first round's workload, and of the order of sides", "1")
    .option("--out <dir>", "keep both sides' results there: a.json and b.json")
    .option("--builds <dir>", "keep builds of git refs there, by commit, for the next time")
    .allowUnknownOption();
  withCompareOptions(command).action(
    async (a: string, b: string, runArguments: string[], _: unknown, self: Command) => {
      await ab(a, b, runArguments, self.optsWithGlobals<AbOptions>());
    },
  );
}

async function ab(
  buildA: string,
  buildB: string,
  runArguments: readonly string[],
  options: AbOptions,
): Promise<void> {
  const wanted = compareOptions(options);
  const trials =
    options.trials === undefined ? null : wholeNumber("--trials", options.trials, 1, LEAST_ROUNDS);
  const limit = timeLimit(options);
  const seed = wholeNumber("--seed", options.seed, 0, 1, 2 ** 31);
  refuseRunOptions("ab", runArguments, DECIDED_BY_AB);
  const a = { build: buildA, settings: options.a, members: options.memberA, environment: options.envA };
  const b = { build: buildB, settings: options.b, members: options.memberB, environment: options.envB };
  const sides = { a: sideOf("A", a, PACKAGE_ROOT), b: sideOf("B", b, PACKAGE_ROOT) };
  const signal = interruption.listen();
  const line = new ProgressLine(() => "", options.quiet !== true);
  const say = (text: string) => line.say(text);
  const folder = resultFolder(options.out);
  const builds = new SideBuilds({ repository: PACKAGE_ROOT, keepIn: options.builds ?? null, signal, say });
  let keep = options.out !== undefined;
  try {
    const args = withSuite(runArguments);
    const [runningA, runningB] = [await builds.of(sides.a, args), await builds.of(sides.b, args)];
    if (runningA === null || runningB === null) return;
    const session = new AbSession({
      rounds: { a: runningA, b: runningB, seed, folder, signal, say },
      compare: wanted,
      varied: variedKinds(a, b),
      floors: options,
    });
    const measure = () =>
      limit === null ? session.measure(trials) : session.measureUntilDecided(trials, limit);
    const measured = async () => (await measure()) && (options.confirm !== true || (await session.confirm()));
    const ended = await measured().catch((error) => {
      keep = session.keep() > 0 || keep;
      throw error;
    });
    if (!ended) {
      keep = session.keep() > 0 || keep;
      return;
    }
    const { comparison, notes } = session.conclusion(keep);
    line.end();
    await concludeComparison(comparison, notes, options);
  } finally {
    line.end();
    builds.remove();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @returns null without --until-decided
 * @throws SlotmarkError `time-invalid`, `option-invalid`
 */
function timeLimit({ untilDecided, timeLimit: text }: AbOptions): TimeLimit | null {
  if (untilDecided === true)
    return { text: text ?? DEFAULT_TIME_LIMIT, ms: parseTimeMs(text ?? DEFAULT_TIME_LIMIT) };
  if (text === undefined) return null;
  throw new SlotmarkError(
    "usage",
    "option-invalid",
    "--time-limit means nothing without --until-decided",
    "Add --until-decided, or choose the number of rounds by --trials.",
  );
}

function resultFolder(out: string | undefined): string {
  if (out === undefined) return mkdtempSync(path.join(tmpdir(), "slotmark-ab-"));
  try {
    mkdirSync(out, { recursive: true });
  } catch (error) {
    throw fileError("making the folder for results", out, error);
  }
  return path.resolve(out);
}
