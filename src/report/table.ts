/**
 * A result as a table for people: what the bitmap costs first, then every figure, then the machine that it holds for, and
 * last what a reader has to know before believing it.
 */
import { medianInterval } from "../measure/median-interval.js";
import { TAX_METRIC } from "../measure/tax.js";
import type { Result, Trial } from "../results/schema.js";
import { chunkAdviceLines } from "./chunk-advice-table.js";
import { groupLines, groupName } from "./group-table.js";
import { isLatencyTrial, latencyTables } from "./latency-tables.js";
import { describeMachine } from "./machine.js";
import { formatFigure, signedPercent } from "./quantity.js";
import { paint, type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";
import { commonLabels, describeLabels, groupTrials, type TrialGroup } from "./trial-groups.js";

const GROUPS_LEGEND = "Figures are medians over trials, in brackets the interquartile range.";

/** @returns lines, the last one ended */
export function resultTable(result: Result, style: TerminalStyle = terminalStyle(process.stdout)): string {
  const suites = [...new Set(result.trials.map((trial) => trial.suite))].join(", ");
  const latencies = result.trials.filter(isLatencyTrial);
  // Where there is advice, its curves stand for the groups that it was read from: those are dozens.
  const advised = (result.chunkAdvice ?? []).length > 0;
  const shown = (trial: Trial) => !isLatencyTrial(trial) && !(advised && trial.labels.loop === "open");
  const others = { trials: result.trials.filter(shown) };
  const groups = groupTrials(others);
  const machine = describeMachine(result).map(([word, text]) => wrap(text, style, word.padEnd(10)));
  const work = describeLabels(commonLabels(others));
  const lines = [
    paint(`slotmark ${suites}`, "bold", style),
    ...(work === "" ? [] : [wrap(work, style, "  ")]),
    ...chunkAdviceLines(result.chunkAdvice ?? [], style),
    ...headline(groups, style),
    ...groups.flatMap((group) => ["", ...groupLines(group, style)]),
    ...(groups.length > 0 ? ["", paint(GROUPS_LEGEND, "dim", style)] : []),
    ...latencyTables(latencies, style),
    "",
    ...machine,
    ...warningLines(result, style),
  ];
  return `${lines.join("\n")}\n`;
}

function headline(groups: readonly TrialGroup[], style: TerminalStyle): string[] {
  const rows: { name: string; tax: string; sure: string }[] = [];
  for (const group of groups) {
    const taxes = [...group.columns.values()]
      .flat()
      .map((trial) => trial.metrics[TAX_METRIC]?.value)
      .filter((tax) => tax !== undefined);
    const interval = medianInterval(taxes);
    if (interval === null) continue;
    const confidence = formatFigure(Math.floor(100 * interval.confidence), 0);
    const sure =
      taxes.length < 2
        ? "one pair, so no interval"
        : `${signedPercent(interval.low)} to ${signedPercent(interval.high)}, ${confidence} % interval of ${taxes.length} pairs`;
    const caveat = group.phase === "notSteady" ? "; had not settled, so no advice" : "";
    rows.push({ name: groupName(group), tax: signedPercent(interval.median), sure: sure + caveat });
  }
  if (rows.length === 0) return [];
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const taxWidth = Math.max(...rows.map(({ tax }) => tax.length));
  return [
    "",
    paint("Bitmap tax: how much longer a write takes on average with the bitmap than without", "bold", style),
    ...rows.map(({ name, tax, sure }) => {
      const shownTax = paint(tax.padStart(taxWidth), "bold", style);
      return `  ${name.padEnd(nameWidth)}  ${shownTax}  ${paint(`(${sure})`, "dim", style)}`;
    }),
  ];
}

function warningLines(result: Result, style: TerminalStyle): string[] {
  if (result.warnings.length === 0) return [];
  return [
    "",
    paint("Before you believe this", "bold", style),
    ...result.warnings.map(({ text }) => paint(wrap(text, style, "  "), "yellow", style)),
  ];
}
