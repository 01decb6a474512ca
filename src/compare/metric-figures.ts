/**
 * Which figures of which metrics are compared. A metric has one figure (`write_iops`) or several (`write_latency_ns:p99`); a pattern
 * selects by both names, `*` standing for any characters and `?` for one. Braces are part of a metric's name.
 */
import type { Metric } from "../results/schema.js";

export const FIGURES = ["value", "mean", "p50", "p90", "p99", "p999", "max"] as const;
export type Figure = (typeof FIGURES)[number];

export interface MetricFigure {
  readonly metric: string;
  readonly figure: Figure;
}

/** What decides over a release where nothing else is asked for. */
export const DEFAULT_METRICS: readonly string[] = [
  "write_latency_ns:p50",
  "write_latency_ns:p99",
  "write_iops",
  "unplug_latency_ns:p50",
];

/** `write_latency_ns:p99`; a metric of one figure has its own name. */
export function figureName({ metric, figure }: MetricFigure): string {
  return figure === "value" ? metric : `${metric}:${figure}`;
}

/** The figures that a pattern without a figure means, of those that there are: no mean beside a median, no maximum. */
function usualFigures(there: readonly Figure[]): readonly Figure[] {
  const usual = there.filter((figure) => figure === "value" || figure === "p50" || figure === "p99");
  return usual.length > 0 ? usual : there.filter((figure) => figure === "mean");
}

/** @returns the figures of this metric that any of the patterns selects, in the order of FIGURES */
export function selectedFigures(patterns: readonly string[], name: string, metric: Metric): Figure[] {
  const there = FIGURES.filter((figure) => metric[figure] !== undefined);
  const selected = new Set<Figure>();
  for (const pattern of patterns) {
    const [, metricPattern = pattern, figurePattern] = /^(.*):([^:}]*)$/.exec(pattern) ?? [];
    if (!globMatches(metricPattern, name)) continue;
    const figures =
      figurePattern === undefined
        ? usualFigures(there)
        : there.filter((one) => globMatches(figurePattern, one));
    for (const figure of figures) selected.add(figure);
  }
  return there.filter((figure) => selected.has(figure));
}

function globMatches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su").test(text);
}
