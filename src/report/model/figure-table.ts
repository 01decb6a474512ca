/**
 * Figures as every output shows them: a row a machine and a variant, a column a figure, a cell its trials' samples. Text,
 * Markdown and HTML print the same tables.
 */
import type { Metric, Trial } from "../../results/schema.js";
import { describeLabel, type Label } from "../trial-groups.js";
import { labelText } from "./cell-text.js";
import type { Machine } from "./machine-list.js";

export type Statistic = Exclude<keyof Metric, "unit" | "direction" | "count">;

/** What one column takes from a trial. */
export interface FigureDefinition {
  readonly title: string;
  /** The first metric that matches; with `slowest`, the largest of all that do. */
  readonly metric: RegExp;
  readonly statistic: Statistic;
  readonly slowest?: boolean;
  /** Of the twins alone that have a bitmap, or have none. */
  readonly bitmap?: "on" | "off";
  /** Whether machines are compared by it. */
  readonly compared?: boolean;
}

export interface TableDefinition {
  readonly id: string;
  readonly title: string;
  readonly reading: string;
  readonly applies: (trial: Trial) => boolean;
  /** What makes a row besides the machine, in the order of columns; `phase` is one as well. */
  readonly labels: readonly (readonly [name: string, title: string])[];
  readonly figures: readonly FigureDefinition[];
}

export interface FigureColumn {
  readonly title: string;
  readonly unit: string;
  readonly direction: Metric["direction"];
  readonly compared: boolean;
}

export interface FigureRow {
  /** Index among the machines. */
  readonly machine: number;
  /** Beside `labelColumns`. */
  readonly labels: readonly Label[];
  /** One sample a trial, beside `columns`; empty where there is none. */
  readonly samples: readonly (readonly number[])[];
  readonly suite: string;
}

export interface FigureTable {
  readonly id: string;
  readonly title: string;
  readonly reading: string;
  /** What all rows have in common: `nodes 4, chunk 64K`. */
  readonly conditions: string;
  readonly labelColumns: readonly { readonly name: string; readonly title: string }[];
  readonly columns: readonly FigureColumn[];
  readonly rows: readonly FigureRow[];
}

const namesMatched = new WeakMap<RegExp, Map<string, boolean>>();

/** Names are few and trials many: each is held against an expression once. */
function matches(metric: RegExp, name: string): boolean {
  const known = namesMatched.get(metric) ?? new Map<string, boolean>();
  namesMatched.set(metric, known);
  const found = known.get(name) ?? metric.test(name);
  known.set(name, found);
  return found;
}

/** Of one trial and column. */
export function figureOf(
  { metrics }: Trial,
  { metric, statistic, slowest = false }: FigureDefinition,
): number | undefined {
  let figure: number | undefined;
  for (const name in metrics) {
    const found = matches(metric, name) ? metrics[name]?.[statistic] : undefined;
    if (found === undefined) continue;
    if (!slowest) return found;
    figure = Math.max(found, figure ?? found);
  }
  return figure;
}

interface RawRow {
  readonly machine: number;
  readonly suite: string;
  readonly labels: readonly Label[];
  readonly trials: Trial[];
}

function rawRows(machines: readonly Machine[], { applies, labels }: TableDefinition): RawRow[] {
  const rows = new Map<string, RawRow>();
  for (const [machine, { trials, phaseOf }] of machines.entries()) {
    for (const trial of trials.filter(applies)) {
      const values = labels.map(([name]) => (name === "phase" ? phaseOf(trial) : (trial.labels[name] ?? "")));
      const key = JSON.stringify([machine, trial.suite, values]);
      const row = rows.get(key) ?? { machine, suite: trial.suite, labels: values, trials: [] };
      rows.set(key, row);
      row.trials.push(trial);
    }
  }
  return [...rows.values()];
}

/** Variants as they come; within one the machines beside each other. */
function byVariant(rows: readonly RawRow[]): RawRow[] {
  const keyOf = ({ suite, labels }: RawRow) => JSON.stringify([suite, labels]);
  const places = new Map<string, number>();
  for (const row of rows) if (!places.has(keyOf(row))) places.set(keyOf(row), places.size);
  const place = (row: RawRow) => places.get(keyOf(row)) ?? 0;
  return [...rows].sort((a, b) => place(a) - place(b) || a.machine - b.machine);
}

/** @returns null where no machine has such trials */
export function figureTable(machines: readonly Machine[], definition: TableDefinition): FigureTable | null {
  const rows = byVariant(rawRows(machines, definition));
  if (rows.length === 0) return null;
  const samplesOf = (row: RawRow, figure: FigureDefinition) =>
    row.trials
      .filter(({ labels }) => figure.bitmap === undefined || labels.bitmap === figure.bitmap)
      .map((trial) => figureOf(trial, figure))
      .filter((one) => one !== undefined);
  const samples = new Map(
    rows.map((row) => [row, definition.figures.map((figure) => samplesOf(row, figure))] as const),
  );
  const columns = definition.figures
    .map((figure, index) => ({ figure, index }))
    .filter(({ index }) => rows.some((row) => (samples.get(row)?.[index] ?? []).length > 0));
  const varying = definition.labels.map(([name], index) => ({
    index,
    name,
    varies: new Set(rows.map(({ labels }) => labels[index])).size > 1,
    first: rows[0]?.labels[index] ?? "",
  }));
  const shown = varying.filter(({ varies }) => varies);
  const suites = [...new Set(rows.map(({ suite }) => suite))];
  return {
    id: definition.id,
    title: definition.title,
    reading: definition.reading,
    conditions: varying
      .filter(({ varies, first }) => !varies && first !== "")
      .map(({ name, first }) => (name === "phase" ? String(first) : describeLabel(name, first)))
      .join(", "),
    labelColumns: [
      ...(suites.length > 1 ? [{ name: "suite", title: "Suite" }] : []),
      ...shown.map(({ name, index }) => ({ name, title: definition.labels[index]?.[1] ?? name })),
    ],
    columns: columns.map(({ figure, index }) => {
      const metric = metricOf(
        rows.find((row) => (samples.get(row)?.[index] ?? []).length > 0),
        figure,
      );
      return {
        title: figure.title,
        unit: metric?.unit ?? "",
        direction: metric?.direction ?? "lower",
        compared: figure.compared ?? false,
      };
    }),
    rows: rows.map((row) => ({
      machine: row.machine,
      suite: row.suite,
      labels: [
        ...(suites.length > 1 ? [row.suite] : []),
        ...shown.map(({ index }) => row.labels[index] ?? ""),
      ],
      samples: columns.map(({ index }) => samples.get(row)?.[index] ?? []),
    })),
  };
}

/** The first that a row has: unit and direction are those of all. */
function metricOf(row: RawRow | undefined, { metric, statistic }: FigureDefinition): Metric | undefined {
  for (const { metrics } of row?.trials ?? []) {
    for (const [name, one] of Object.entries(metrics)) {
      if (matches(metric, name) && one[statistic] !== undefined) return one;
    }
  }
  return undefined;
}

/** Rows of one variant, a machine each. */
export function variantsOf({ rows }: FigureTable): (readonly FigureRow[])[] {
  const variants = new Map<string, FigureRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.suite, row.labels]);
    const variant = variants.get(key) ?? [];
    variants.set(key, variant);
    variant.push(row);
  }
  return [...variants.values()];
}

/** A column's title within a sentence; LVB stays as it is. */
export function inSentence(title: string): string {
  return title.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

const PHASES = ["steady", "hot", "cold", "notSteady"];

/** Variants that say most first: what had settled, then the others. */
export function settledFirst({ labelColumns }: FigureTable): (a: FigureRow, b: FigureRow) => number {
  const place = labelColumns.findIndex(({ name }) => name === "phase");
  const rank = ({ labels }: FigureRow) => PHASES.indexOf(String(labels[place] ?? "steady"));
  return (a, b) => rank(a) - rank(b);
}

/** What sets a row apart, in words: `nodes 4, chunk 64K`; what it has no label for is left out. */
export function variantText({ labelColumns }: FigureTable, { labels }: FigureRow): string {
  return labelColumns
    .map(({ name, title }, index) => [name, inSentence(title), labels[index] ?? ""] as const)
    .filter(([, , value]) => value !== "")
    .map(([name, title, value]) => `${title} ${labelText(name, value)}`)
    .join(", ");
}
