/**
 * A chart's description as uPlot's options and data: the one place where pictures and page get them from. Runs in the page as
 * well.
 */
import type uPlot from "uplot";
import { type AxisPlan, axisPlan } from "./axis-scale.js";
import {
  NARROW,
  paintBars,
  paintMarkers,
  paintPaths,
  paintRowNames,
  paintSpans,
  paintWhiskers,
} from "./chart-painting.js";
import type { ChartSeries, ChartSpec } from "./chart-spec.js";
import { type ChartTheme, DASHES, pick } from "./chart-theme.js";

export interface ChartLook {
  readonly theme: ChartTheme;
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** Indices of series that are switched off. */
  readonly hidden: ReadonlySet<number>;
  /** Of the texts along the axes, CSS pixels. */
  readonly fontSize: number;
  /** A person points at it; else it is a picture. */
  readonly interactive: boolean;
}

export interface DrawableChart {
  readonly options: uPlot.Options;
  readonly data: uPlot.AlignedData;
  readonly x: AxisPlan;
  readonly y: AxisPlan;
  /** Values of x in the order of the data. */
  readonly xValues: readonly number[];
  readonly shown: readonly ChartSeries[];
}

export function drawableChart(whole: ChartSpec, look: ChartLook): DrawableChart {
  const shown = whole.series.filter((_, index) => !look.hidden.has(index));
  const spec = { ...whole, series: shown };
  const [x, y] = [axisPlan(spec, "x"), axisPlan(spec, "y")];
  const namesInside = hasNamesInside(spec, look.width);
  const beside = namesInside ? 30 : besidePlot(y, spec.y.label, look);
  const xValues = xValuesOf(shown);
  const columns: (number | null)[][] = [];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  const column = (of: (point: ChartSeries["points"][number]) => number | undefined, one: ChartSeries) => {
    const byX = new Map(one.points.map((point) => [point[0], of(point)]));
    return xValues.map((value) => {
      const found = byX.get(value);
      return found === undefined ? null : y.position(found);
    });
  };
  const lines = shown.filter(
    ({ bars, spans, whiskers }) => bars === undefined && spans === undefined && whiskers === undefined,
  );
  for (const one of lines) {
    const colour = pick(look.theme.colours, one.colour);
    series.push({
      label: one.name,
      stroke: colour,
      width: 2,
      dash: [...pick(DASHES, one.dash)],
      spanGaps: true,
      points: { show: false },
      // Drawn by us in its own order; uPlot knows the points for pointing at them.
      ...(one.inOrder ? { paths: () => null } : {}),
    });
    columns.push(column(([, value]) => value, one));
    if (one.inOrder || !one.points.some(([, , low]) => low !== undefined)) continue;
    bands.push({ series: [series.length, series.length + 1], fill: withAlpha(colour, "22") });
    for (const end of [3, 2] as const) {
      series.push({ width: 0, stroke: "transparent", spanGaps: true, points: { show: false } });
      columns.push(column((point) => point[end] ?? point[1], one));
    }
  }
  const options: uPlot.Options = {
    width: look.width,
    height: look.height,
    legend: { show: false },
    cursor: look.interactive
      ? { x: true, y: false, drag: { x: false, y: false }, points: { show: false } }
      : { show: false },
    scales: {
      x: { time: false, range: () => [x.min, x.max] },
      y: { range: () => [y.min, y.max] },
    },
    axes: [axisOptions(spec, "x", x, beside, look), axisOptions(spec, "y", y, beside, look)],
    series,
    bands,
    padding: [10, rightPadding(x, beside, look), 0, 0],
    hooks: {
      draw: [
        (chart) => {
          if (namesInside) paintRowNames(chart, y, look);
          paintPaths(chart, shown, x, y, look);
          paintBars(chart, shown, x, look);
          paintWhiskers(chart, shown, x, look);
          paintSpans(chart, shown, x, y, look);
          paintMarkers(chart, shown, x, y, look);
        },
      ],
    },
  };
  // A timeline has no line: its bars need a frame alone.
  const positions = xValues.map(x.position);
  const data =
    columns.length === 0
      ? [
          [x.min, x.max],
          [null, null],
        ]
      : [positions, ...columns];
  if (columns.length === 0) series.push({ points: { show: false } });
  return { options, data: data as uPlot.AlignedData, x, y, xValues, shown };
}

function xValuesOf(series: readonly ChartSeries[]): number[] {
  return [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
}

/** `#rrggbb` with an alpha of two digits. */
function withAlpha(colour: string, alpha: string): string {
  return colour + alpha;
}

function axisOptions(
  spec: ChartSpec,
  which: "x" | "y",
  plan: AxisPlan,
  beside: number,
  look: ChartLook,
): uPlot.Axis {
  const { theme, fontSize } = look;
  const isRows = spec[which].scale === "rows";
  const isBare = isRows && hasNamesInside(spec, look.width);
  return {
    scale: which,
    ...(spec[which].label === "" ? {} : { label: spec[which].label }),
    labelFont: `600 ${fontSize}px ${theme.fontFamily}`,
    labelSize: fontSize + 14,
    font: `${fontSize}px ${theme.fontFamily}`,
    stroke: theme.text,
    gap: 6,
    grid: { show: !isRows, stroke: theme.grid, width: 1 },
    ticks: { show: !isRows, stroke: theme.grid, width: 1, size: 5 },
    border: { show: true, stroke: theme.faint, width: 1 },
    splits: () => plan.ticks.map(([position]) => position),
    values: () =>
      which === "x" ? withoutOverlap(plan, beside, look) : plan.ticks.map(([, text]) => (isBare ? "" : text)),
    size:
      which === "x"
        ? fontSize + 18
        : (chart, values) => {
            // Asked once before the first draw without values.
            if (values == null) return 40;
            if (isBare) return 6;
            chart.ctx.font = `${fontSize}px ${theme.fontFamily}`;
            return Math.ceil(Math.max(...values.map((text) => chart.ctx.measureText(text).width), 20)) + 14;
          },
  };
}

function hasNamesInside({ y }: Pick<ChartSpec, "y">, width: number): boolean {
  return y.scale === "rows" && width < NARROW;
}

/** Widths are wanted before uPlot knows its canvas: so much of the font's size a letter takes, about. */
const LETTER_SHARE = 0.56;

function widthOf(text: string, fontSize: number): number {
  return text.length * fontSize * LETTER_SHARE;
}

/** What the y axis with its label and the paddings take beside the plot, about. */
function besidePlot({ ticks }: AxisPlan, label: string, { fontSize }: ChartLook): number {
  const widest = Math.max(20, ...ticks.map(([, text]) => widthOf(text, fontSize)));
  return widest + 14 + (label === "" ? 0 : fontSize + 14) + 20;
}

/** CSS pixels of one position on the x axis, about. */
function perPosition(x: AxisPlan, beside: number, { width }: ChartLook): number {
  return Math.max(40, width - beside) / (x.max - x.min);
}

/** Half of the last tick's text may stand beyond the plot. */
function rightPadding(x: AxisPlan, beside: number, look: ChartLook): number {
  const [position, text] = x.ticks.at(-1) ?? [Number.NEGATIVE_INFINITY, ""];
  const room = (x.max - position) * perPosition(x, beside, look);
  return Math.max(14, Math.ceil(widthOf(text, look.fontSize) / 2 - room) + 3);
}

/** Leaves out texts that would run into the one before. */
function withoutOverlap(plan: AxisPlan, beside: number, look: ChartLook): string[] {
  const per = perPosition(plan, beside, look);
  let end = Number.NEGATIVE_INFINITY;
  return plan.ticks.map(([position, text]) => {
    const half = widthOf(text, look.fontSize) / 2;
    const at = (position - plan.min) * per;
    if (at - half < end + 8) return "";
    end = at + half;
    return text;
  });
}
