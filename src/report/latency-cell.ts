/** One cell of a latency table: medians over trials of the p50 and the p99, each cell in units of its own. */
import type { Trial } from "../results/schema.js";
import { formatFigure, scaleFor } from "./quantity.js";
import { spreadOf } from "./spread.js";

export interface Cell {
  /** `2.96 / 20.3 µs`: p50 and p99. */
  readonly whole: string;
  /** For narrow terminals: the p50 alone. */
  readonly short: string;
}

export const EMPTY_CELL: Cell = { whole: "–", short: "–" };

/** From this size on a figure has a unit of its own. */
const MANY_DIGITS = 10_000;

/** The metrics of these trials whose names match. */
export function metricsNamed(trials: readonly Trial[], pattern: RegExp): string[] {
  const names = new Set(trials.flatMap((trial) => Object.keys(trial.metrics)));
  return [...names].filter((name) => pattern.test(name));
}

/** Of the first metric that matches. */
export function latencyCell(trials: readonly Trial[], pattern: RegExp): Cell {
  const [name] = metricsNamed(trials, pattern);
  if (name === undefined) return EMPTY_CELL;
  const p50 = medianOf(trials, name, "p50");
  const p99 = medianOf(trials, name, "p99");
  if (p50 === undefined || p99 === undefined) return EMPTY_CELL;
  return { whole: twoFigures(p50, " / ", p99), short: oneFigure(p50) };
}

/** The p50 alone, of figures that are means themselves. */
export function meanCell(trials: readonly Trial[], pattern: RegExp): Cell {
  const { short } = latencyCell(trials, pattern);
  return { whole: short, short };
}

/** The lowest and the highest p50 of all metrics that match. */
export function rangeCell(trials: readonly Trial[], pattern: RegExp): Cell {
  const p50s = metricsNamed(trials, pattern)
    .map((name) => medianOf(trials, name, "p50"))
    .filter((p50) => p50 !== undefined);
  if (p50s.length === 0) return EMPTY_CELL;
  const highest = Math.max(...p50s);
  return { whole: twoFigures(Math.min(...p50s), " to ", highest), short: `≤ ${oneFigure(highest)}` };
}

/** A metric that is one number a trial. */
export function valueCell(trials: readonly Trial[], name: string): Cell {
  const value = medianOf(trials, name, "value");
  const text = value === undefined ? "–" : formatFigure(value);
  return { whole: text, short: text };
}

function medianOf(
  trials: readonly Trial[],
  name: string,
  figure: "p50" | "p99" | "value",
): number | undefined {
  const figures = trials.map((trial) => trial.metrics[name]?.[figure]).filter((one) => one !== undefined);
  return spreadOf(figures)?.median;
}

function oneFigure(ns: number): string {
  const { unit, size } = scaleFor("ns", ns);
  return `${formatFigure(ns / size)} ${unit}`;
}

/** In the unit of the first, where the second is not far off. */
function twoFigures(first: number, between: string, second: number): string {
  const { unit, size } = scaleFor("ns", first);
  return second / size < MANY_DIGITS
    ? `${formatFigure(first / size)}${between}${formatFigure(second / size)} ${unit}`
    : `${oneFigure(first)}${between}${oneFigure(second)}`;
}
