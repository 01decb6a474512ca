/** A history's change points as a table for people. */
import type { Trend } from "../compare/trend.js";
import { paint, type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";
import { groupSentence, type TrendRow, trendNotes, trendRows, trendSentence } from "./trend-words.js";

const COLUMNS: readonly (keyof TrendRow)[] = [
  "name",
  "medians",
  "change",
  "p",
  "results",
  "verdict",
  "range",
];
const HEADS: Readonly<Record<keyof TrendRow, string>> = {
  name: "",
  medians: "median",
  change: "change",
  p: "p",
  results: "results",
  verdict: "",
  range: "between",
};

/** @returns lines, the last one ended */
export function trendText(
  trend: Trend,
  skipped: readonly { readonly reason: string }[],
  style: TerminalStyle = terminalStyle(process.stdout),
): string {
  const lines = [
    ...trend.groups.flatMap((group) => [
      paint(wrap(groupSentence(group), style, ""), "bold", style),
      ...tableLines(trendRows(group), style),
      "",
    ]),
    ...trendNotes(trend, skipped).map((note) => paint(wrap(note, style, "  "), "dim", style)),
    "",
    paint(wrap(trendSentence(trend), style, ""), "bold", style),
  ];
  return `${lines.join("\n")}\n`;
}

function tableLines(rows: readonly TrendRow[], style: TerminalStyle): string[] {
  if (rows.length === 0) return ["  no change"];
  const widths = COLUMNS.map((column) =>
    Math.max(HEADS[column].length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells: Readonly<Record<keyof TrendRow, string>>) =>
    `  ${COLUMNS.map((column, index) => cells[column].padEnd(widths[index] ?? 0)).join("  ")}`.trimEnd();
  return [
    paint(line(HEADS), "dim", style),
    ...rows.map((row) => paint(line(row), row.verdict === "regressed" ? "yellow" : "bold", style)),
  ];
}
