/**
 * `slotmark trend`: when did figures change, over a history of results? It reports and judges no change at hand, so that it ends with 0
 * whatever it finds; a pipeline fails by `compare`.
 */
import { type Command, Option } from "commander";
import { DEFAULT_ALPHA } from "../compare/compare-results.js";
import { DEFAULT_METRICS } from "../compare/metric-figures.js";
import { type Trend, trendOf } from "../compare/trend.js";
import { SlotmarkError } from "../errors.js";
import { trendGithub } from "../report/trend-github.js";
import { trendMarkdown } from "../report/trend-markdown.js";
import { trendText } from "../report/trend-text.js";
import { trendNotes, trendSentence } from "../report/trend-words.js";
import { type History, readHistory } from "../results/history.js";
import { alphaOf, metricPatterns } from "./compare-options.js";
import { repeatedOption } from "./repeated-option.js";

const FORMATS = ["text", "markdown", "json", "github"] as const;

interface TrendCommandOptions {
  readonly format: (typeof FORMATS)[number];
  readonly metric: readonly string[];
  readonly alpha?: string;
  readonly json?: boolean;
}

export function registerTrend(program: Command): void {
  program
    .command("trend")
    .description(
      "change points over a history of results, each with its commits: exit 0 whatever it finds, 4 no results, 5 too few",
    )
    .argument("<dir>", "folder of result files; each *.json in it counts, in the order of measuring")
    .addOption(new Option("--format <form>", "how to print it").choices(FORMATS).default("text"))
    .addOption(
      repeatedOption(
        "--metric <glob>",
        "figures to look at, such as 'lock_latency_ns*' or '*:p99'; repeat it for more",
        DEFAULT_METRICS.join(", "),
      ),
    )
    .option(
      "--alpha <p>",
      `how often a history without a change may show any by chance (default: ${DEFAULT_ALPHA})`,
    )
    .action((folder: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<TrendCommandOptions>();
      const metrics = metricPatterns(options.metric);
      const alpha = options.alpha === undefined ? DEFAULT_ALPHA : alphaOf(options.alpha);
      const history = readHistory(folder);
      const trend = trendOf(history.results, { metrics, alpha });
      refuseNothing(folder, trend, metrics);
      refuseTooFew(folder, trend);
      process.stdout.write(printed(trend, history, options.json ? "json" : options.format));
    });
}

function printed(trend: Trend, { skipped }: History, format: TrendCommandOptions["format"]): string {
  switch (format) {
    case "text":
      return trendText(trend, skipped);
    case "markdown":
      return trendMarkdown(trend, skipped);
    case "github":
      return trendGithub(trend, skipped);
    case "json":
      return `${JSON.stringify(jsonOf(trend, skipped), null, 2)}\n`;
  }
}

function jsonOf(trend: Trend, skipped: History["skipped"]): object {
  const groups = trend.groups.map((group) => ({
    ...group,
    results: group.results.map(({ name, result }) => ({
      name,
      createdAt: result.createdAt,
      commit: result.slotmark.commit,
      hostname: result.environment.hostname,
    })),
  }));
  return { summary: trendSentence(trend), ...trend, groups, skipped, notes: trendNotes(trend, skipped) };
}

function refuseNothing(folder: string, { groups }: Trend, metrics: readonly string[]): void {
  if (groups.some(({ series }) => series.length > 0)) return;
  const patterns = (metrics.length > 0 ? metrics : DEFAULT_METRICS).join(", ");
  throw new SlotmarkError(
    "nothing",
    "metric-not-there",
    `${folder}: no result has usable trials with a figure that matches ${patterns}`,
    "Choose by --metric, which takes * for any characters.",
  );
}

function refuseTooFew(folder: string, { groups, judged, leastResults }: Trend): void {
  if (judged > 0) return;
  const most = Math.max(...groups.map(({ results }) => results.length));
  throw new SlotmarkError(
    "inconclusive",
    "history-too-short",
    `${folder}: at most ${most} ${most === 1 ? "result is" : "results are"} of one machine and scenario, and a change cannot show before there are ${leastResults}`,
    `Measure ${Math.max(1, leastResults - most)} more of the same, or look at fewer figures (--metric).`,
  );
}
