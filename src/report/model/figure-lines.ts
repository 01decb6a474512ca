/** The report's tables for a terminal: a block a table, a row a machine and a variant, ratios to the first machine beside it. */
import { type GridRow, gridLines } from "../latency-grid.js";
import { paint, type TerminalStyle, wrap } from "../terminal-style.js";
import { figureText, medianOf } from "./cell-text.js";
import { type FigureRow, type FigureTable, variantsOf, variantText } from "./figure-table.js";
import { unlikeness } from "./like-with-like.js";
import { compareFigures, ratioFigure, ratioText } from "./ratio-text.js";
import type { ReportModel } from "./report-model.js";

/** What marks a ratio of figures that are no like with like, and its footnote. */
export const UNLIKE_MARK = "†";

/** @returns lines, an empty one before each table */
export function figureLines(model: ReportModel, style: TerminalStyle): string[] {
  return model.tables.flatMap((table) => ["", ...tableLines(model, table, style)]);
}

function tableLines(model: ReportModel, table: FigureTable, style: TerminalStyle): string[] {
  const [first] = model.machines;
  const isCompared = model.machines.length > 1;
  const heads = table.columns.flatMap(({ title, compared }) =>
    compared && isCompared ? [title, `against ${first?.name}`] : [title],
  );
  const notes = new Set<string>();
  const blocks = variantsOf(table).flatMap((rows) => {
    const base = rows.find(({ machine }) => machine === 0);
    const cells = rows.map((row) => cellsOf(model, table, row, base, notes));
    const [row] = rows;
    const heading = row === undefined ? "" : variantText(table, row);
    const lines: GridRow[] = rows.map((row, index) => ({
      label: `  ${model.machines[row.machine]?.name ?? ""}`,
      cells: cells[index] ?? [],
    }));
    return heading === "" ? lines : [{ label: heading, cells: [] }, ...lines];
  });
  const title = table.conditions === "" ? table.title : `${table.title} (${table.conditions})`;
  return [
    ...gridLines(title, heads, blocks, style),
    ...[...notes].map((note) => paint(wrap(note, style, `  ${UNLIKE_MARK} `), "yellow", style)),
    paint(
      wrap(table.reading, { ...style, widthColumns: Math.min(style.widthColumns, 120) }, "  "),
      "dim",
      style,
    ),
  ];
}

function cellsOf(
  model: ReportModel,
  table: FigureTable,
  row: FigureRow,
  base: FigureRow | undefined,
  notes: Set<string>,
) {
  const [machine, first] = [model.machines[row.machine], model.machines[0]];
  return table.columns.flatMap(({ unit, direction, compared }, index) => {
    const samples = row.samples[index] ?? [];
    const median = medianOf(samples);
    const text = median === undefined ? "–" : figureText(median, unit);
    const cell = { whole: text, short: text };
    if (!compared || model.machines.length < 2) return [cell];
    const ratio =
      base === undefined || base === row
        ? null
        : compareFigures(base.samples[index] ?? [], samples, direction);
    if (ratio === null || machine === undefined || first === undefined)
      return [cell, { whole: "", short: "" }];
    const unlike = unlikeness(first, machine, row.suite);
    if (unlike.length > 0)
      notes.add(`not like with like: ${machine.name} and ${first.name} (${unlike.join("; ")})`);
    const mark = unlike.length > 0 ? UNLIKE_MARK : "";
    return [
      cell,
      { whole: `${ratioText(ratio)}${mark}`, short: `${ratioFigure(ratio.interval.ratio)}${mark}` },
    ];
  });
}
