/** The options that `compare` and its relatives share, and what they mean. */
import { type Command, Option } from "commander";
import { type CompareOptions, DEFAULT_ALPHA } from "../compare/compare-results.js";
import { DEFAULT_METRICS } from "../compare/metric-figures.js";
import { SlotmarkError } from "../errors.js";
import { repeatedOption } from "./repeated-option.js";

export const FORMATS = ["text", "markdown", "json", "junit", "github"] as const;
export type Format = (typeof FORMATS)[number];

export interface CompareCommandOptions {
  readonly format: Format;
  /** File for the comparison as Markdown, besides. */
  readonly markdown?: string;
  readonly alpha?: string;
  readonly threshold?: string;
  readonly metric: readonly string[];
  readonly anyway?: boolean;
  readonly confirm?: boolean;
  readonly calibration?: string;
  readonly json?: boolean;
}

export function withCompareOptions(command: Command): Command {
  return command
    .addOption(new Option("--format <form>", "how to print it").choices(FORMATS).default("text"))
    .option("--markdown <file>", "write it there as Markdown as well, for a job's summary or a comment")
    .addOption(
      repeatedOption(
        "--metric <glob>",
        "figures to compare, such as 'lock_latency_ns*' or '*:p99'; repeat it for more",
        DEFAULT_METRICS.join(", "),
      ),
    )
    .option("--alpha <p>", `how often a comparison may find a change by chance (default: ${DEFAULT_ALPHA})`)
    .option(
      "--threshold <percent>",
      "the least change that counts, where it is larger than the noise floor or none is known",
    )
    .option(
      "--calibration <file>",
      "noise floors of this machine (default: slotmark-calibration.json beside HEAD)",
    )
    .option("--confirm", "measure what regressed once more; only what regresses in both counts")
    .option(
      "--anyway",
      "compare also what differs in machine, device, scenario or backend; every output says so",
    );
}

/** @throws SlotmarkError `option-invalid` */
export function compareOptions(options: CompareCommandOptions): Omit<CompareOptions, "calibration"> {
  return {
    metrics: metricPatterns(options.metric),
    alpha: options.alpha === undefined ? DEFAULT_ALPHA : alphaOf(options.alpha),
    thresholdPercent: options.threshold === undefined ? null : percentOf(options.threshold),
    anyway: options.anyway === true,
  };
}

/** @throws SlotmarkError `option-invalid` */
export function metricPatterns(patterns: readonly string[]): readonly string[] {
  const empty = patterns.find((pattern) => pattern.trim() === "");
  if (empty !== undefined) throw invalid("--metric", empty, "a pattern such as 'write_latency_ns:p99'");
  return patterns;
}

/** @throws SlotmarkError `option-invalid` */
export function alphaOf(text: string): number {
  const alpha = Number(text);
  if (text.trim() !== "" && alpha > 0 && alpha < 1) return alpha;
  throw invalid("--alpha", text, "a probability between 0 and 1, such as 0.01");
}

function percentOf(text: string): number {
  const percent = Number(/^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(text)?.[1]);
  if (Number.isFinite(percent)) return percent;
  throw invalid("--threshold", text, "a percentage, such as 3 or 2.5%");
}

function invalid(option: string, text: string, expected: string): SlotmarkError {
  const message = `${option} takes ${expected}, not ${JSON.stringify(text)}`;
  return new SlotmarkError("usage", "option-invalid", message, "See the command's --help.");
}
