/** A report as Markdown, for a pull request or a page of notes: the same words, tables and warnings. */
import { escaped, tableLine } from "./markdown-text.js";
import { figureText, labelText, medianOf } from "./model/cell-text.js";
import { type FigureRow, type FigureTable, variantsOf } from "./model/figure-table.js";
import { unlikeness } from "./model/like-with-like.js";
import { compareFigures, ratioText } from "./model/ratio-text.js";
import type { ReportModel } from "./model/report-model.js";

/** @param pictures paths by chart, shown before the figures */
export function reportMarkdown(
  model: ReportModel,
  pictures: ReadonlyMap<string, string> = new Map(),
): string {
  const parts = [
    "# slotmark report",
    model.answers
      .map(({ lead, text, cases, unlike }) => {
        const marks = unlike.map((reason) => ` *Not like with like: ${escaped(reason)}.*`).join("");
        return [
          `- **${escaped(lead)}**: ${escaped(text)}${marks}`.trimEnd(),
          ...cases.map((one) => `  - ${escaped(one)}`),
        ].join("\n");
      })
      .join("\n"),
    ...model.charts.flatMap(({ id, title, conditions }) => {
      const path = pictures.get(id);
      return path === undefined ? [] : [`![${escaped(`${title} (${conditions})`)}](<${path}>)`];
    }),
    ...model.tables.map((table) => tableMarkdown(model, table)),
    factsMarkdown(model),
    warningsMarkdown(model),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function tableMarkdown(model: ReportModel, table: FigureTable): string {
  const [base] = model.machines;
  const many = model.machines.length > 1;
  const heads = [
    ...(many ? ["Machine"] : []),
    ...table.labelColumns.map(({ title }) => title),
    ...table.columns.flatMap(({ title, compared }) =>
      many && compared ? [title, `against ${base?.name}`] : [title],
    ),
  ];
  const words = (many ? 1 : 0) + table.labelColumns.length;
  const notes = new Set<string>();
  const rows = variantsOf(table).flatMap((variant) => {
    const first = variant.find(({ machine }) => machine === 0);
    return variant.map((row) => tableLine(cellsOf(model, table, row, first, notes)));
  });
  return [
    `## ${table.title}`,
    ...(table.conditions === "" ? [] : ["", escaped(table.conditions)]),
    "",
    tableLine(heads),
    tableLine(heads.map((_, index) => (index < words ? "---" : "---:"))),
    ...rows,
    ...[...notes].flatMap((note) => ["", `† not like with like: ${escaped(note)}`]),
    "",
    escaped(table.reading),
  ].join("\n");
}

function cellsOf(
  { machines }: ReportModel,
  table: FigureTable,
  row: FigureRow,
  base: FigureRow | undefined,
  notes: Set<string>,
): string[] {
  const [machine, first] = [machines[row.machine], machines[0]];
  const figures = table.columns.flatMap(({ unit, direction, compared }, index) => {
    const samples = row.samples[index] ?? [];
    const median = medianOf(samples);
    const text = median === undefined ? "–" : figureText(median, unit);
    if (!compared || machines.length < 2) return [text];
    const ratio =
      base === undefined || base === row
        ? null
        : compareFigures(base.samples[index] ?? [], samples, direction);
    if (ratio === null || machine === undefined || first === undefined) return [text, ""];
    const unlike = unlikeness(first, machine, row.suite);
    if (unlike.length > 0) notes.add(`${machine.name} and ${first.name} (${unlike.join("; ")})`);
    return [text, `${ratioText(ratio)}${unlike.length > 0 ? "†" : ""}`];
  });
  const labels = table.labelColumns.map(({ name }, index) => labelText(name, row.labels[index] ?? ""));
  return [...(machines.length > 1 ? [machine?.name ?? ""] : []), ...labels, ...figures];
}

function factsMarkdown({ machines, facts }: ReportModel): string {
  const rows = (differing: boolean) => facts.filter(({ differs }) => differs === differing);
  const [different, same] = [rows(true), rows(false)];
  const table =
    different.length === 0
      ? []
      : [
          "## In what the machines differ",
          "",
          tableLine(["", ...machines.map(({ name }) => name)]),
          tableLine(["---", ...machines.map(() => "---")]),
          ...different.map(({ name, values }) => tableLine([name, ...values.map((value) => value ?? "–")])),
          "",
        ];
  return [
    ...table,
    machines.length > 1 ? "## What they have in common" : "## The machine",
    "",
    ...same.map(({ name, values }) => `- ${name}: ${escaped(values[0] ?? "")}`),
  ].join("\n");
}

function warningsMarkdown({ warnings }: ReportModel): string {
  if (warnings.length === 0) return "";
  const lines = warnings.map(({ text, machines }) => {
    const whose = machines.length === 0 ? "" : ` (${machines.join("; ")})`;
    return `- ${escaped(text + whose)}`;
  });
  return ["## Before you believe this", "", ...lines].join("\n");
}
