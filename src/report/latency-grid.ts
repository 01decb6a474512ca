/** A table of latencies: a row a configuration or what it is made of, a column a cluster size or an operation. */
import type { Trial } from "../results/schema.js";
import type { Cell } from "./latency-cell.js";
import { paint, type TerminalStyle } from "./terminal-style.js";

export interface GridRow {
  /** Without cells it is a heading. */
  readonly label: string;
  readonly cells: readonly Cell[];
  /** A floor: what the machine itself takes. */
  readonly isFloor?: boolean;
}

const GAP = "  ";

/** @returns lines: title, column heads, rows; the p50s alone where the terminal is too narrow for the whole */
export function gridLines(
  title: string,
  heads: readonly string[],
  rows: readonly GridRow[],
  style: TerminalStyle,
): string[] {
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const layout = (of: (cell: Cell) => string) => {
    const texts = rows.map(({ cells }) => cells.map(of));
    const widths = heads.map((head, index) =>
      Math.max(head.length, ...texts.map((row) => (row[index] ?? "").length)),
    );
    const total = widths.reduce((sum, width) => sum + GAP.length + width, GAP.length + labelWidth);
    return { texts, widths, total };
  };
  const layouts = [
    layout(({ whole }) => whole),
    layout(({ whole }) => whole.replace(" / ", "/")),
    layout(({ short }) => short),
  ] as const;
  const { texts, widths } = layouts.find(({ total }) => total <= style.widthColumns) ?? layouts[2];
  const line = (label: string, cells: readonly string[]) => {
    const padded = cells.map((text, index) => GAP + text.padStart(widths[index] ?? 0));
    return (GAP + label.padEnd(labelWidth) + padded.join("")).trimEnd();
  };
  return [
    paint(title, "bold", style),
    paint(line("", heads), "bold", style),
    ...rows.map(({ label, isFloor = false }, index) => {
      const text = line(label, texts[index] ?? []);
      return isFloor ? paint(text, "dim", style) : text;
    }),
  ];
}

/** Trials of one way of waiting, on idle or on busy cores. */
export interface Conditions {
  /** `sleep, idle cores` */
  readonly label: string;
  readonly waiting: string;
  readonly cores: string;
  readonly trials: readonly Trial[];
}

export function conditionsOf(trials: readonly Trial[]): Conditions[] {
  const groups = new Map<string, Conditions & { trials: Trial[] }>();
  for (const trial of trials) {
    const cores = String(trial.labels.cores);
    const waiting = trial.labels.waiting === "sync" ? "waitSync" : String(trial.labels.waiting);
    const label = `${waiting}, ${cores} cores`;
    const group = groups.get(label) ?? { label, waiting, cores, trials: [] };
    group.trials.push(trial);
    groups.set(label, group);
  }
  return [...groups.values()];
}

/** The node counts of these trials, ascending. */
export function nodeCounts(trials: readonly Trial[]): number[] {
  return [...new Set(trials.map(({ labels }) => Number(labels.nodes)))].sort((a, b) => a - b);
}

export function withNodes(trials: readonly Trial[], nodes: number): Trial[] {
  return trials.filter(({ labels }) => labels.nodes === nodes);
}
