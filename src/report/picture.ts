/** A chart as a PNG: title and conditions above, uPlot's drawing, a legend below. The same chart gives the same bytes. */
import type { Canvas, SKRSContext2D } from "@napi-rs/canvas";
import type { ChartSeries, ChartSpec } from "./charts/chart-spec.js";
import { type ChartTheme, chartTheme } from "./charts/chart-theme.js";
import { paintSwatch, SWATCH_WIDTH } from "./charts/legend-swatch.js";
import { drawableChart } from "./charts/uplot-options.js";
import { groupBy } from "./model/group-by.js";
import { canvasModule, drawChart, PICTURE_FONT } from "./uplot-node.js";

type Drawing = Parameters<typeof paintSwatch>[0];

/** CSS pixels. */
const WIDTH = 840;
const PLOT_HEIGHT = 430;
const MARGIN = 20;
const TITLE_SIZE = 19;
const TEXT_SIZE = 13;
const LINE_HEIGHT = 19;
/** A legend of more is cut short, and so are its lines. */
const MOST_SERIES = 12;
const MOST_MACHINES = 6;
/** Of what is beside the matter. */
const QUIET = "#565f69";

/** So many pictures at most make a report. */
const MOST_PICTURES = 12;

/** Those that get a picture: the first of each kind, then the second of each; in the order of the report. */
export function chartsWithPictures(charts: readonly ChartSpec[]): ChartSpec[] {
  const kinds = [...groupBy(charts, ({ id }) => id.replace(/-\d+$/, "")).values()];
  const longest = Math.max(0, ...kinds.map((ofKind) => ofKind.length));
  const ranked = Array.from({ length: longest }, (_, rank) =>
    kinds.flatMap((ofKind) => ofKind[rank] ?? []),
  ).flat();
  const chosen = new Set(ranked.slice(0, MOST_PICTURES));
  return charts.filter((chart) => chosen.has(chart));
}

/**
 * @param machines a line each below the picture: what its figures hold for
 * @throws SlotmarkError `pictures-need-a-package` (input)
 */
export function chartPicture(chart: ChartSpec, machines: readonly string[] = [], pixelRatio = 2): Buffer {
  const theme = chartTheme(false, PICTURE_FONT);
  const shown = { ...chart, series: chart.series.slice(0, MOST_SERIES) };
  const { createCanvas } = canvasModule();
  const measuring = createCanvas(1, 1).getContext("2d");
  measuring.font = fontOf(TEXT_SIZE);
  const conditions = wrapped(measuring, chart.conditions, WIDTH - 2 * MARGIN);
  const legend = legendLines(measuring, shown.series, chart.series.length - shown.series.length);
  const foot = machines
    .slice(0, MOST_MACHINES)
    .flatMap((line) => wrapped(measuring, line, WIDTH - 2 * MARGIN));
  const head = MARGIN + TITLE_SIZE + 8 + conditions.length * LINE_HEIGHT + 8;
  const rowsHeight = chart.y.rows === undefined ? PLOT_HEIGHT : rowsHeightOf(shown);
  const height =
    head + rowsHeight + 10 + legend.length * (LINE_HEIGHT + 3) + foot.length * LINE_HEIGHT + MARGIN;

  const canvas = createCanvas(WIDTH * pixelRatio, height * pixelRatio);
  const context = canvas.getContext("2d");
  context.scale(pixelRatio, pixelRatio);
  context.fillStyle = theme.background;
  context.fillRect(0, 0, WIDTH, height);
  context.fillStyle = theme.text;
  context.textBaseline = "alphabetic";
  context.font = `600 ${fontOf(TITLE_SIZE)}`;
  context.fillText(chart.title, MARGIN, MARGIN + TITLE_SIZE - 2);
  context.font = fontOf(TEXT_SIZE);
  const lines = (texts: readonly string[], top: number) => {
    context.fillStyle = QUIET;
    context.font = fontOf(TEXT_SIZE);
    context.textBaseline = "alphabetic";
    for (const [index, line] of texts.entries())
      context.fillText(line, MARGIN, top + (index + 0.75) * LINE_HEIGHT);
  };
  lines(conditions, MARGIN + TITLE_SIZE + 8);
  const { options, data } = drawableChart(shown, {
    theme,
    width: WIDTH - MARGIN,
    height: rowsHeight,
    hidden: new Set(),
    fontSize: TEXT_SIZE,
    interactive: false,
  });
  context.drawImage(drawChart(options, data, pixelRatio), MARGIN / 2, head, WIDTH - MARGIN, rowsHeight);
  paintLegend(context, legend, head + rowsHeight + 10, theme);
  lines(foot, head + rowsHeight + 10 + legend.length * (LINE_HEIGHT + 3) + 6);
  return encoded(canvas);
}

function encoded(canvas: Canvas): Buffer {
  return canvas.toBuffer("image/png");
}

function fontOf(size: number): string {
  return `${size}px "${PICTURE_FONT}"`;
}

/** So high that a bar's text fits. */
function rowsHeightOf({ y, series }: ChartSpec): number {
  const bars = Math.min(6, series.length);
  return 70 + (y.rows?.length ?? 1) * Math.max(26, bars * 19 + 8);
}

function wrapped(context: SKRSContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of text === "" ? [] : text.split(/(?<=,) /)) {
    const joined = lines.length === 0 ? part : `${lines.at(-1)} ${part}`;
    if (lines.length > 0 && context.measureText(joined).width <= width) lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  return lines;
}

interface LegendEntry {
  readonly series: ChartSeries | null;
  readonly text: string;
  readonly left: number;
}

function legendLines(
  context: SKRSContext2D,
  series: readonly ChartSeries[],
  leftOut: number,
): LegendEntry[][] {
  const lines: LegendEntry[][] = [];
  let left = Number.POSITIVE_INFINITY;
  const entries = [
    ...series.map((one) => ({ series: one, text: one.name })),
    ...(leftOut > 0 ? [{ series: null, text: `and ${leftOut} more in the HTML report` }] : []),
  ];
  for (const entry of entries) {
    const width = SWATCH_WIDTH + 8 + context.measureText(entry.text).width + 22;
    if (left + width > WIDTH - MARGIN + 22) {
      lines.push([]);
      left = MARGIN;
    }
    lines.at(-1)?.push({ ...entry, left });
    left += width;
  }
  return lines;
}

function paintLegend(
  context: SKRSContext2D,
  lines: readonly (readonly LegendEntry[])[],
  top: number,
  theme: ChartTheme,
): void {
  for (const [row, entries] of lines.entries()) {
    const middle = top + row * (LINE_HEIGHT + 3) + LINE_HEIGHT / 2;
    for (const { series, text, left } of entries) {
      // The same calls as in a browser's canvas.
      if (series !== null) paintSwatch(context as unknown as Drawing, series, left, middle, theme);
      context.fillStyle = theme.text;
      context.textBaseline = "middle";
      context.textAlign = "left";
      context.font = fontOf(TEXT_SIZE);
      context.fillText(text, left + SWATCH_WIDTH + 8, middle);
    }
  }
}
