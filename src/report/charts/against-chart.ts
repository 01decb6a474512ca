/** Every machine against the baseline, in one picture: ratios with their intervals, a row a headline figure. Runs in the page as well. */
import { compareFigures } from "../model/ratio-text.js";
import type { ChartSeries, ChartSpec } from "./chart-spec.js";

/** A figure by which machines are compared: its trials' samples a machine. */
export interface ComparedRow {
  readonly label: string;
  readonly direction: "lower" | "higher";
  readonly samples: readonly (readonly number[])[];
}

export const AGAINST_ID = "against";

export function againstChart(
  rows: readonly ComparedRow[],
  names: readonly string[],
  base: number,
): ChartSpec {
  const series = names.flatMap((name, machine): ChartSeries[] => {
    if (machine === base) return [];
    const whiskers = rows.flatMap(({ samples, direction }, row) => {
      const compared = compareFigures(samples[base] ?? [], samples[machine] ?? [], direction);
      if (compared === null) return [];
      const { ratio, low, high } = compared.interval;
      return [[row, ratio, low, high] as const];
    });
    if (whiskers.length === 0) return [];
    return [{ name, machine, colour: machine, dash: 0, marker: machine, points: [], whiskers }];
  });
  return {
    id: AGAINST_ID,
    title: `Every machine against ${names[base] ?? ""}`,
    conditions: "medians over trials; the stroke is the 95 % interval of the ratio, or what few trials allow",
    reading:
      "1 × is the baseline. Latencies: further left is faster. Writes a second: further right is faster. A stroke that crosses 1 × shows no difference.",
    x: { label: "Times the baseline", unit: "times", scale: "log" },
    y: { label: "", unit: "category", scale: "rows", rows: rows.map(({ label }) => label) },
    series,
  };
}
