/** The figures of one group of trials: a row a figure, a column with the bitmap and one without. */
import { TAX_METRIC } from "../measure/tax.js";
import type { Trial } from "../results/schema.js";
import { decimalsFor, formatFigure, scaleFor } from "./quantity.js";
import { type Spread, spreadOf } from "./spread.js";
import { paint, type TerminalStyle } from "./terminal-style.js";
import { describeLabels, type TrialGroup } from "./trial-groups.js";

const COLUMN_TITLES: Readonly<Record<string, string>> = {
  on: "with bitmap",
  off: "without",
};
/** Figures of a metric in the order in which they are shown. */
const FIGURES = ["value", "mean", "p50", "p99", "max"] as const;
/** Where the terminal is narrow, a longer metric name gets a line of its own. */
const NARROW_NAME_COLUMNS = 20;

interface Cell {
  readonly median: string;
  readonly range: string;
}

interface Row {
  readonly metric: string;
  readonly figure: string;
  readonly unit: string;
  readonly cells: readonly Cell[];
}

export function groupName(group: TrialGroup): string {
  const labels = describeLabels(group.labels);
  // Only a bitmap has phases.
  const phase = group.columns.has("on") || group.columns.has("off") ? group.phase : "";
  return [phase, labels].filter((part) => part !== "").join(", ") || group.suite;
}

function cell(spread: Spread | undefined, size: number): Cell {
  if (spread === undefined) return { median: "–", range: "" };
  const decimals = decimalsFor(spread.median / size);
  const show = (figure: number) => formatFigure(figure / size, decimals);
  return {
    median: show(spread.median),
    range: spread.count < 2 ? "" : `(${show(spread.lower)} to ${show(spread.upper)})`,
  };
}

function rowsOf(columns: readonly (readonly Trial[])[]): Row[] {
  const unitOfMetric = new Map<string, string>();
  for (const trial of columns.flat()) {
    for (const [name, { unit }] of Object.entries(trial.metrics)) {
      if (name !== TAX_METRIC && !unitOfMetric.has(name)) unitOfMetric.set(name, unit);
    }
  }
  const rows: Row[] = [];
  for (const [name, unit] of unitOfMetric) {
    for (const figure of FIGURES) {
      const spreads = columns.map((trials) =>
        spreadOf(trials.map((trial) => trial.metrics[name]?.[figure]).filter((one) => one !== undefined)),
      );
      if (spreads.every((spread) => spread === undefined)) continue;
      // One unit for the whole row, so that its columns can be compared at a glance.
      const scale = scaleFor(unit, Math.max(...spreads.map((spread) => Math.abs(spread?.median ?? 0))));
      rows.push({
        metric: rows.some((row) => row.metric === name) ? "" : name,
        figure: figure === "value" ? "" : figure,
        unit: scale.unit,
        cells: spreads.map((spread) => cell(spread, scale.size)),
      });
    }
  }
  return rows;
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

interface Layout {
  readonly name: number;
  readonly figure: number;
  readonly unit: number;
  readonly median: readonly number[];
  /** Of the ranges; 0 where they are left out. */
  readonly range: readonly number[];
  readonly column: readonly number[];
}

function layoutOf(rows: readonly Row[], titles: readonly string[], compact: boolean): Layout {
  const median = titles.map((_, index) => longest(rows.map((row) => row.cells[index]?.median ?? "")));
  const range = titles.map((_, index) =>
    compact ? 0 : longest(rows.map((row) => row.cells[index]?.range ?? "")),
  );
  const name = longest(rows.map((row) => row.metric));
  return {
    name: compact ? Math.min(name, NARROW_NAME_COLUMNS) : name,
    figure: longest(rows.map((row) => row.figure)),
    unit: longest(rows.map((row) => row.unit)),
    median,
    range,
    column: titles.map((title, index) => {
      const rangeColumns = range[index] === 0 ? 0 : 1 + (range[index] ?? 0);
      return Math.max(title.length, (median[index] ?? 0) + rangeColumns);
    }),
  };
}

function widthOf(layout: Layout): number {
  return layout.column.reduce(
    (sum, width) => sum + 2 + width,
    2 + layout.name + 2 + layout.figure + 2 + layout.unit,
  );
}

function rowLines(row: Row, layout: Layout, style: TerminalStyle): string[] {
  const nameAlone = row.metric.length > layout.name;
  const name = (nameAlone ? "" : row.metric).padEnd(layout.name);
  const cells = row.cells.map(({ median, range }, index) => {
    const figure = median.padStart(layout.median[index] ?? 0);
    const shown = layout.range[index] === 0 || range === "" ? "" : ` ${range}`;
    const padding = " ".repeat(Math.max(0, (layout.column[index] ?? 0) - figure.length - shown.length));
    return `  ${figure}${paint(shown, "dim", style)}${padding}`;
  });
  const line = `  ${name}  ${row.figure.padEnd(layout.figure)}  ${row.unit.padEnd(layout.unit)}${cells.join("")}`;
  return nameAlone ? [`  ${row.metric}`, line.trimEnd()] : [line.trimEnd()];
}

function trialCount(columns: readonly (readonly Trial[])[]): string {
  const counts = [...new Set(columns.map((trials) => trials.length))];
  const [count] = counts;
  if (counts.length === 1)
    return `${count} ${count === 1 ? "trial" : "trials"}${columns.length > 1 ? " each" : ""}`;
  return `${columns.map((trials) => trials.length).join(" and ")} trials`;
}

/** @returns lines: a title, then the rows; without ranges where the terminal is too narrow for them */
export function groupLines(group: TrialGroup, style: TerminalStyle): string[] {
  // With the bitmap before without it ("on" before "off"), whatever trial came first.
  const names = [...group.columns.keys()].sort().reverse();
  const columns = names.map((name) => group.columns.get(name) ?? []);
  const titles = names.map((name) => COLUMN_TITLES[name] ?? name);
  const rows = rowsOf(columns);
  const whole = layoutOf(rows, titles, false);
  const layout = widthOf(whole) <= style.widthColumns ? whole : layoutOf(rows, titles, true);
  const title = `${groupName(group)}: ${trialCount(columns)}`;
  const indent = 2 + layout.name + 2 + layout.figure + 2 + layout.unit;
  const heads = titles.map((text, index) => `  ${text.padEnd(layout.column[index] ?? 0)}`).join("");
  const head =
    title.length <= indent
      ? [(title.padEnd(indent) + heads).trimEnd()]
      : [title, (" ".repeat(indent) + heads).trimEnd()];
  return [
    ...head.filter((line) => line !== "").map((line) => paint(line, "bold", style)),
    ...rows.flatMap((row) => rowLines(row, layout, style)),
  ];
}
