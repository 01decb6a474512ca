/** A comparison as a table for people, in the manner of benchstat: a section a figure, a row a variant, verdict last. */
import type { Comparison } from "../compare/compare-results.js";
import { sharedWork } from "./compare-names.js";
import { type ComparisonRow, comparisonSections } from "./compare-rows.js";
import { comparisonNotes, sideSentence, verdictSentence } from "./compare-words.js";
import { paint, type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";

interface Column {
  readonly title: string;
  readonly cell: (row: ComparisonRow) => string;
  readonly left?: boolean;
}

const COLUMNS: Readonly<Record<string, Column>> = {
  name: { title: "", cell: ({ name }) => name, left: true },
  base: { title: "BASE", cell: ({ base }) => base },
  head: { title: "HEAD", cell: ({ head }) => head },
  change: { title: "change", cell: ({ change }) => change },
  interval: { title: "95 % interval", cell: ({ interval }) => interval },
  p: { title: "p", cell: ({ p }) => p },
  trials: { title: "n", cell: ({ trials }) => trials },
  floor: { title: "floor", cell: ({ floor }) => floor },
  verdict: { title: "", cell: ({ verdict }) => verdict, left: true },
};

/** Columns that a narrow terminal goes without, in this order. */
const EXPENDABLE = ["floor", "interval", "trials", "p"];
const GAP = "  ";
const LOUD: ReadonlySet<ComparisonRow["judged"]> = new Set(["regressed", "inconclusive"]);

/**
 * @param more sentences that the comparison itself cannot know, such as where its noise floor is from
 * @returns lines, the last one ended
 */
export function comparisonText(
  comparison: Comparison,
  more: readonly string[] = [],
  style: TerminalStyle = terminalStyle(process.stdout),
): string {
  const { base, head } = comparison;
  const work = comparison.verdict === null ? "" : sharedWork(comparison);
  const lines = [
    wrap(`${base.name}: ${sideSentence(base)}`, style, "BASE  "),
    wrap(`${head.name}: ${sideSentence(head)}`, style, "HEAD  "),
    ...(work === "" ? [] : [wrap(work, style, "work  ")]),
    ...differenceLines(comparison, style),
    ...sectionLines(comparison, style),
    "",
    ...[...comparisonNotes(comparison), ...more].map((note) => paint(wrap(note, style, "  "), "dim", style)),
    "",
    paint(wrap(verdictSentence(comparison), style, ""), "bold", style),
  ];
  return `${lines.join("\n").replace(/\n{3,}/g, "\n\n")}\n`;
}

/** What the two differ in, side by side. */
function differenceLines({ differences }: Comparison, style: TerminalStyle): string[] {
  if (differences.length === 0) return [];
  const head = { kind: "", field: "differs", base: "BASE", head: "HEAD" };
  const all = [head, ...differences];
  const width = (of: (one: (typeof all)[number]) => string) => Math.max(...all.map((one) => of(one).length));
  const [kind, field, base] = [width((one) => one.kind), width((one) => one.field), width((one) => one.base)];
  return [
    "",
    ...all.map((one, index) => {
      const cells = [one.kind.padEnd(kind), one.field.padEnd(field), one.base.padEnd(base), one.head];
      return paint(`  ${cells.join(GAP)}`.trimEnd(), index === 0 ? "bold" : "yellow", style);
    }),
  ];
}

function sectionLines(comparison: Comparison, style: TerminalStyle): string[] {
  const sections = comparisonSections(comparison);
  const rows = sections.flatMap((section) => section.rows);
  const columns = fittingColumns(rows, style);
  const widths = columns.map((column) => widthOf(column, rows));
  const line = (cells: readonly string[]) =>
    `  ${cells
      .map((cell, index) =>
        columns[index]?.left ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join(GAP)}`.trimEnd();
  return sections.flatMap(({ title, rows: own }) => [
    "",
    paint(title, "bold", style),
    paint(line(columns.map((column) => column.title)), "dim", style),
    ...own.map((row) => {
      const text = line(columns.map(({ cell }) => cell(row)));
      if (row.judged === "unchanged") return text;
      return paint(text, LOUD.has(row.judged) ? "yellow" : row.judged === null ? "dim" : "bold", style);
    }),
  ]);
}

function widthOf({ title, cell }: Column, rows: readonly ComparisonRow[]): number {
  return Math.max(title.length, ...rows.map((row) => cell(row).length));
}

function fittingColumns(rows: readonly ComparisonRow[], style: TerminalStyle): Column[] {
  const left = new Map(Object.entries(COLUMNS));
  const total = () => [...left.values()].reduce((sum, column) => sum + GAP.length + widthOf(column, rows), 0);
  for (const name of EXPENDABLE) {
    if (total() <= style.widthColumns) break;
    left.delete(name);
  }
  return [...left.values()];
}
