/** `slotmark compare`: the verdict on two result files, in the form that people or CI read, and as exit code. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { compareResults, type NamedResult } from "../compare/compare-results.js";
import { SlotmarkError } from "../errors.js";
import { readResult } from "../results/store.js";
import { type CompareCommandOptions, compareOptions, withCompareOptions } from "./compare-options.js";
import { concludeComparison } from "./compare-output.js";
import { floorsFor } from "./known-floors.js";
import { confirmRegression } from "./measure-again.js";

export function registerCompare(program: Command): void {
  const command = program
    .command("compare")
    .description(
      "verdict on two result files: exit 1 for a regression, 3 not comparable, 4 nothing in common, 5 inconclusive",
    )
    .argument("<base>", "result file before the change")
    .argument("<head>", "result file after it");
  withCompareOptions(command).action(
    async (baseFile: string, headFile: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<CompareCommandOptions & { readonly quiet?: boolean }>();
      const wanted = compareOptions(options);
      const base = readBaseline(baseFile);
      const head: NamedResult = { name: headFile, result: readResult(headFile) };
      const floors = floorsFor(head, options);
      const all = { ...wanted, calibration: floors.calibration };
      const first = compareResults(base, head, all);
      const comparison =
        options.confirm === true && first.verdict === "regressed"
          ? await confirmRegression(first, base, head, all, options.quiet === true)
          : first;
      if (comparison !== null) await concludeComparison(comparison, floors.notes, options);
    },
  );
}

/** The first run of a pipeline has none yet: nothing to compare, and no bad input. */
function readBaseline(file: string): NamedResult {
  if (existsSync(file)) return { name: file, result: readResult(file) };
  throw new SlotmarkError(
    "nothing",
    "no-baseline",
    `${file}: there is no such file, so there is no baseline to compare with`,
    "Keep the result of a run of the code before the change (slotmark run --out) and name it as BASE.",
  );
}
