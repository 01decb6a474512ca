/** `slotmark report`: results of one or many machines as tables, a page, pictures, Markdown, or metrics. */
import fs from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { SlotmarkError } from "../errors.js";
import { briefly } from "../report/model/machine-list.js";
import { type ReportModel, reportModel } from "../report/model/report-model.js";
import { htmlPage } from "../report/page/html-page.js";
import { chartPicture, chartsWithPictures } from "../report/picture.js";
import { prometheusText } from "../report/prometheus-text.js";
import { reportJson } from "../report/report-json.js";
import { reportMarkdown } from "../report/report-markdown.js";
import { reportText } from "../report/report-text.js";
import { resultTable } from "../report/table.js";
import { fileError, refuseSpecialFile, writeFileAtomically } from "../results/atomic-file.js";
import { readResult } from "../results/store.js";

interface ReportOptions {
  readonly html?: string;
  readonly png?: string;
  readonly markdown?: string;
  readonly prometheus?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function registerReport(program: Command): void {
  program
    .command("report")
    .description("results of one or many machines as tables, a page, pictures, Markdown or metrics")
    .argument("<result...>", "result files; those of one machine stand in one column")
    .option("--html <file>", "one self-contained page: interactive, needs no network")
    .option("--png <dir>", "the pictures, a dozen at most")
    .option("--markdown <file>", "for a pull request or notes; with --png it shows the pictures")
    .option("--prometheus <file>", "every figure as a gauge, in Prometheus' text format")
    .action((files: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReportOptions>();
      refuseOverwriting(options, files);
      const results = files.map((file) => ({ file, result: readResult(file) }));
      refuseNothing(results.map(({ result }) => result.trials.length));
      const model = reportModel(results);
      const written = writeOutputs(model, options);
      if (options.json) process.stdout.write(`${JSON.stringify(written ?? reportJson(model))}\n`);
      else if (written !== null && !options.quiet) process.stderr.write(`${written.written.join("\n")}\n`);
      else if (written === null) {
        const [only] = results;
        const isOne = results.length === 1 && only !== undefined;
        process.stdout.write(isOne ? resultTable(only.result) : reportText(model));
      }
    });
}

/** @returns the paths of what was written; null where no output was asked for */
function writeOutputs(model: ReportModel, options: ReportOptions): { readonly written: string[] } | null {
  const written: string[] = [];
  const write = (file: string, contents: string | Uint8Array) => {
    writeFileAtomically(file, contents);
    written.push(file);
  };
  const pictures =
    options.png === undefined ? new Map<string, string>() : writePictures(model, options.png, write);
  if (options.html !== undefined) write(options.html, htmlPage(model));
  if (options.markdown !== undefined) {
    const folder = path.dirname(options.markdown);
    const relative = [...pictures].map(([id, file]) => [id, path.relative(folder, file)] as const);
    write(options.markdown, reportMarkdown(model, new Map(relative)));
  }
  if (options.prometheus !== undefined) write(options.prometheus, prometheusText(model));
  return written.length === 0 && options.png === undefined ? null : { written };
}

/** All are drawn before the first is written. @returns paths by the chart's id */
function writePictures(
  model: ReportModel,
  folder: string,
  write: (file: string, contents: Uint8Array) => void,
): Map<string, string> {
  const drawn = chartsWithPictures(model.charts).map(
    (chart) => [chart.id, chartPicture(chart, model.machines.map(briefly))] as const,
  );
  try {
    fs.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError("making the folder", folder, error);
  }
  return new Map(
    drawn.map(([id, png]) => {
      const file = path.join(folder, `${id}.png`);
      write(file, png);
      return [id, file];
    }),
  );
}

function refuseNothing(trials: readonly number[]): void {
  if (trials.some((count) => count > 0)) return;
  throw new SlotmarkError(
    "nothing",
    "report-nothing",
    trials.length === 1 ? "the result has no trial" : `none of the ${trials.length} results has a trial`,
    "Name results of runs that lasted long enough to measure something.",
  );
}

/** A slip of the hand would cost measurements. Asked before anything is read. */
function refuseOverwriting({ html, markdown, prometheus }: ReportOptions, files: readonly string[]): void {
  const real = (file: string) => (fs.existsSync(file) ? fs.realpathSync(file) : path.resolve(file));
  const inputs = new Set(files.map(real));
  const outputs = { "--html": html, "--markdown": markdown, "--prometheus": prometheus };
  for (const [option, file] of Object.entries(outputs)) {
    if (file === undefined) continue;
    refuseSpecialFile(file);
    if (!inputs.has(real(file))) continue;
    throw new SlotmarkError(
      "usage",
      "out-is-a-result",
      `${option} ${file} is one of the results to report`,
      "Name another file for the report.",
    );
  }
}
