/** A table's cells as text: the median of the trials in a unit of its own, and labels as people write them. Runs in the page as well. */
import { median } from "../../measure/quantile.js";
import { formatSize } from "../../scenario/quantities.js";
import { formatFigure, scaleFor, signedPercent } from "../quantity.js";

/** Of the trials; undefined where there are none. */
export function medianOf(samples: readonly number[]): number | undefined {
  return samples.length === 0 ? undefined : median(samples);
}

/** Where a metric's unit needs no words after it, for the column's head has them. */
const UNSPOKEN: ReadonlySet<string> = new Set(["writes/s", "pages/write", "ratio"]);

/** `402 µs`, `+49.1 %`, `9399`. */
export function figureText(figure: number, unit: string): string {
  const scale = scaleFor(unit, figure);
  const text = formatFigure(figure / scale.size);
  if (unit === "percent") return signedPercent(figure);
  return UNSPOKEN.has(unit) || unit === "" ? text : `${text} ${scale.unit}`;
}

export function labelText(name: string, value: string | number | boolean): string {
  if (value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (name.endsWith("Bytes") && typeof value === "number") return formatSize(value);
  if (name.endsWith("Ms")) return `${value} ms`;
  if (name === "ratePercent") return `${value} %`;
  if (name === "workingSet") return String(value).replace("%", " %");
  return String(value);
}
