/** `slotmark merge`: the results of the machines of one run as one result. */
import path from "node:path";
import type { Command } from "commander";
import { SlotmarkError } from "../errors.js";
import { resultTable } from "../report/table.js";
import { mergeResults } from "../results/merge.js";
import { readResult, writeResult } from "../results/store.js";
import { defaultOutPath } from "./run-output.js";

interface MergeOptions {
  readonly out?: string;
  readonly json?: boolean;
}

export function registerMerge(program: Command): void {
  program
    .command("merge")
    .description("results of the machines of one run (--dlm kernel) into one")
    .argument("<result...>", "the file that each machine wrote")
    .option("--out <file>", "result file")
    .action((files: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<MergeOptions>();
      const merged = mergeResults(files.map((name) => ({ name, result: readResult(name) })));
      const suites = [...new Set(merged.trials.map(({ suite }) => suite))];
      const out =
        options.out === undefined ? defaultOutPath([...suites, "merged"]) : path.resolve(options.out);
      refuseOverwriting(out, files);
      writeResult(out, merged);
      if (options.json) process.stdout.write(`${JSON.stringify(merged)}\n`);
      else process.stdout.write(`${resultTable(merged)}\nresult file: ${out}\n`);
    });
}

/** A slip of the hand would cost a machine's measurements. */
function refuseOverwriting(out: string, files: readonly string[]): void {
  const file = files.find((name) => path.resolve(name) === out);
  if (file === undefined) return;
  throw new SlotmarkError(
    "usage",
    "out-is-a-result",
    `--out ${out} is one of the results to merge`,
    "Name another file for the merged result.",
  );
}
