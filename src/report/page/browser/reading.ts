/** What a chart's series have at a place, in words: for pointing, for the keyboard, for a screen reader, and as a table. */
import { axisText } from "../../charts/axis-scale.js";
import type { ChartSeries, ChartSpec } from "../../charts/chart-spec.js";
import { ratioFigure } from "../../model/ratio-text.js";

/** `p99: alpha 1.2 ms; beta 1.9 ms`. */
export function readingAt(spec: ChartSpec, series: readonly ChartSeries[], x: number): string {
  const texts = series.flatMap(({ name, points, notes, spans = [] }) => {
    const index = points.findIndex(([at], place) => at === x || (at < x && x < at + (spans[place] ?? 0)));
    const point = points[index];
    if (point === undefined) return [];
    const note = notes?.[index] === undefined ? "" : ` (${notes[index]})`;
    return [`${name}${note} ${axisText(point[1], spec.y.unit)}`];
  });
  return `${placeText(spec, x)}: ${texts.join("; ")}`;
}

function placeText({ x: { unit } }: ChartSpec, x: number): string {
  if (unit === "nodes") return `${x} ${x === 1 ? "node" : "nodes"}`;
  if (unit === "percentile") return x === 0 ? "least" : `p${Number(x.toPrecision(x > 99 ? 4 : 3))}`;
  return axisText(x, unit);
}

/** Heads and rows of a chart as a table: everything that it draws, but of a curve of very many points every tenth. */
export function chartRows(
  spec: ChartSpec,
  series: readonly ChartSeries[],
): { heads: string[]; rows: string[][] } {
  if (spec.y.scale === "rows") {
    const heads = ["", ...series.map(({ name }) => name)];
    const rows = (spec.y.rows ?? []).map((label, row) => [
      label,
      ...series.map(({ bars = [], whiskers = [] }) => {
        const bar = bars.find(([own]) => own === row);
        const whisker = whiskers.find(([own]) => own === row);
        if (whisker !== undefined) {
          return `${ratioFigure(whisker[1])} (${ratioFigure(whisker[2])} to ${ratioFigure(whisker[3])})`;
        }
        return bar === undefined ? "–" : axisText(bar[2] - bar[1], spec.x.unit);
      }),
    ]);
    return { heads, rows };
  }
  const all = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const shown =
    spec.x.scale === "percentile"
      ? all.filter((_, index) => index % 10 === 0 || index === all.length - 1)
      : all;
  const rows = shown.map((x) => [
    placeText(spec, x),
    ...series.map(({ points, notes }) => {
      const index = points.findIndex(([at]) => at === x);
      const point = points[index];
      if (point === undefined) return "–";
      const [, y, low, high] = point;
      const { unit } = spec.y;
      const interval =
        low === undefined || high === undefined ? "" : ` (${axisText(low, unit)} to ${axisText(high, unit)})`;
      return `${notes?.[index] === undefined ? "" : `${notes[index]}: `}${axisText(y, unit)}${interval}`;
    }),
  ]);
  return { heads: [spec.x.label, ...series.map(({ name }) => name)], rows };
}
