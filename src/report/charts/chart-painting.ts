/** A chart's marks on uPlot's canvas: markers and the knee, a timeline's bars, a run's trials. Runs in the page as well. */
import type uPlot from "uplot";
import { type AxisPlan, axisText } from "./axis-scale.js";
import type { ChartSeries } from "./chart-spec.js";
import { DASHES, MARKERS, pick } from "./chart-theme.js";
import { paintMarker } from "./mark-painting.js";
import type { ChartLook } from "./uplot-options.js";

const MARKER_SIZE = 8;
const RING_SIZE = 22;
const KNEE_SIZE = 14;
/** So many trials stand close together. */
const CROWD = 60;
/** CSS pixels, below which a row's name stands above its bars. */
export const NARROW = 560;
/** What a row's name takes of the row, CSS pixels. */
export const ROW_NAME_SIZE = 18;
/** Share of a row that its bars take. */
const BARS_SHARE = 0.72;

/** Hooks draw in the canvas's own pixels. */
function ratioOf(chart: uPlot): number {
  return chart.ctx.canvas.width / chart.width;
}

function within(chart: uPlot, draw: (context: uPlot["ctx"], ratio: number) => void): void {
  const { ctx, bbox } = chart;
  const ratio = ratioOf(chart);
  ctx.save();
  ctx.beginPath();
  // Markers on the edge are whole.
  const margin = RING_SIZE * ratio;
  ctx.rect(bbox.left - margin / 2, bbox.top - margin, bbox.width + margin, bbox.height + margin * 2);
  ctx.clip();
  draw(ctx, ratio);
  ctx.restore();
}

/** Lines whose points are joined as they come, over the bands of their intervals. */
export function paintPaths(
  chart: uPlot,
  series: readonly ChartSeries[],
  x: AxisPlan,
  y: AxisPlan,
  { theme }: ChartLook,
): void {
  within(chart, (context, ratio) => {
    for (const { points, inOrder, colour, dash } of series) {
      if (!inOrder) continue;
      const left = (value: number) => chart.valToPos(x.position(value), "x", true);
      const top = (value: number) => chart.valToPos(y.position(value), "y", true);
      const shade = pick(theme.colours, colour);
      context.fillStyle = `${shade}22`;
      context.beginPath();
      for (const [at, value, , high] of points) context.lineTo(left(at), top(high ?? value));
      for (const [at, value, low] of [...points].reverse()) context.lineTo(left(at), top(low ?? value));
      context.fill();
      context.strokeStyle = shade;
      context.lineWidth = 2 * ratio;
      context.setLineDash(pick(DASHES, dash).map((length) => length * ratio));
      context.beginPath();
      for (const [at, value] of points) context.lineTo(left(at), top(value));
      context.stroke();
      context.setLineDash([]);
    }
  });
}

export function paintMarkers(
  chart: uPlot,
  series: readonly ChartSeries[],
  x: AxisPlan,
  y: AxisPlan,
  look: ChartLook,
): void {
  const { theme } = look;
  const notesToWrite: Note[] = [];
  within(chart, (context, ratio) => {
    for (const one of series) {
      const { points, notes, knee, chosen, bars, spans } = one;
      if (one.marker === null || bars !== undefined || spans !== undefined) continue;
      const colour = pick(theme.colours, one.colour);
      for (const [index, point] of points.entries()) {
        const left = chart.valToPos(x.position(point[0]), "x", true);
        const top = chart.valToPos(y.position(point[1]), "y", true);
        paintMarker(
          context,
          pick(MARKERS, one.marker),
          left,
          top,
          MARKER_SIZE * ratio,
          colour,
          theme.background,
        );
        const isChosen = index === chosen?.index;
        context.strokeStyle = colour;
        context.lineWidth = 2 * ratio;
        context.beginPath();
        if (isChosen) context.arc(left, top, (RING_SIZE / 2) * ratio, 0, 2 * Math.PI);
        if (index === knee) {
          const half = (KNEE_SIZE / 2) * ratio;
          context.rect(left - half, top - half, 2 * half, 2 * half);
        }
        context.stroke();
        const note = notes?.[index];
        if (note === undefined || (!isChosen && index !== knee && series.length > 1)) continue;
        const said = isChosen ? chosen.text : note;
        notesToWrite.push({ text: index === knee ? `${said}, knee` : said, left, top, isMarked: isChosen });
      }
    }
    paintNotes(chart, context, ratio, notesToWrite, look);
  });
}

interface Note {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  readonly isMarked: boolean;
}

function paintNotes(
  chart: uPlot,
  context: uPlot["ctx"],
  ratio: number,
  notes: readonly Note[],
  { theme, fontSize }: ChartLook,
): void {
  const written: Note[] = [];
  const room = fontSize * 2.5 * ratio;
  // What is advised first: it is what one looks for.
  for (const note of [...notes].sort((a, b) => Number(b.isMarked) - Number(a.isMarked))) {
    const { text, left, top, isMarked } = note;
    if (written.some((other) => Math.abs(other.left - left) < room && Math.abs(other.top - top) < room / 2))
      continue;
    written.push(note);
    context.fillStyle = theme.text;
    context.font = `${isMarked ? "600 " : ""}${(fontSize - 1) * ratio}px ${theme.fontFamily}`;
    // At the right edge a text goes to the left.
    const isLast = left > chart.bbox.left + chart.bbox.width * 0.9;
    context.textAlign = isLast ? "right" : "left";
    context.textBaseline = "bottom";
    const away = (isMarked ? 9 : 6) * ratio;
    const at = left + (isLast ? -away : away);
    // Lines and rings behind it are kept away from the letters.
    context.strokeStyle = theme.background;
    context.lineWidth = 4 * ratio;
    context.lineJoin = "round";
    context.strokeText(text, at, top - away);
    context.fillText(text, at, top - away);
  }
}

/** On a narrow screen: a row's name above its bars. */
export function paintRowNames(chart: uPlot, { ticks }: AxisPlan, { theme, fontSize }: ChartLook): void {
  within(chart, (context, ratio) => {
    context.fillStyle = theme.text;
    context.font = `${fontSize * ratio}px ${theme.fontFamily}`;
    context.textBaseline = "top";
    context.textAlign = "left";
    const half = rowHeightOf(chart) / 2;
    for (const [position, text] of ticks) {
      context.fillText(
        text,
        chart.bbox.left + 4 * ratio,
        chart.valToPos(position, "y", true) - half + 2 * ratio,
      );
    }
  });
}

function rowHeightOf(chart: uPlot): number {
  return Math.abs(chart.valToPos(0, "y", true) - chart.valToPos(1, "y", true));
}

/** Where the bars of a row have their middle: below the row's name, where that stands inside. */
function middleOfRow(chart: uPlot, row: number, ratio: number): number {
  return chart.valToPos(-row, "y", true) + (isNarrow(chart) ? (ROW_NAME_SIZE / 2) * ratio : 0);
}

function isNarrow(chart: uPlot): boolean {
  return chart.width < NARROW;
}

/** A row's bars lie below one another, a series each. */
export function paintBars(
  chart: uPlot,
  series: readonly ChartSeries[],
  x: AxisPlan,
  { theme, fontSize }: ChartLook,
): void {
  const withBars = series.filter(({ bars }) => bars !== undefined);
  if (withBars.length === 0) return;
  within(chart, (context, ratio) => {
    const rowHeight = rowHeightOf(chart) - (isNarrow(chart) ? ROW_NAME_SIZE * ratio : 0);
    const height = (rowHeight * BARS_SHARE) / withBars.length;
    for (const [place, { bars = [], colour }] of withBars.entries()) {
      for (const [row, from, to] of bars) {
        const top = middleOfRow(chart, row, ratio) - (rowHeight * BARS_SHARE) / 2 + place * height;
        const left = chart.valToPos(x.position(from), "x", true);
        const right = chart.valToPos(x.position(to), "x", true);
        context.fillStyle = pick(theme.colours, colour);
        context.fillRect(
          left,
          top + 0.5 * ratio,
          Math.max(1.5 * ratio, right - left),
          Math.max(ratio, height - ratio),
        );
        if (height < (fontSize - 1) * ratio) continue;
        context.font = `${(fontSize - 1) * ratio}px ${theme.fontFamily}`;
        context.textBaseline = "middle";
        const text = axisText(to - from, "ns");
        const width = context.measureText(text).width + 10 * ratio;
        // Beside the bar, else within it, else before it.
        const beside = right + width < chart.bbox.left + chart.bbox.width;
        const inside = !beside && right - left > width;
        context.fillStyle = inside ? theme.background : theme.text;
        context.textAlign = beside ? "left" : "right";
        const at = beside ? right + 5 * ratio : (inside ? right : left) - 5 * ratio;
        context.fillText(text, at, top + height / 2);
      }
    }
  });
}

/** Ratios beside the line of the baseline, a machine below the other. */
export function paintWhiskers(
  chart: uPlot,
  series: readonly ChartSeries[],
  x: AxisPlan,
  { theme }: ChartLook,
): void {
  const all = series.filter(({ whiskers }) => whiskers !== undefined);
  if (all.length === 0) return;
  within(chart, (context, ratio) => {
    const one = chart.valToPos(x.position(1), "x", true);
    context.strokeStyle = theme.text;
    context.lineWidth = 1.5 * ratio;
    context.beginPath();
    context.moveTo(one, chart.bbox.top);
    context.lineTo(one, chart.bbox.top + chart.bbox.height);
    context.stroke();
    const rowHeight = rowHeightOf(chart) - (isNarrow(chart) ? ROW_NAME_SIZE * ratio : 0);
    const step = (rowHeight * BARS_SHARE) / all.length;
    for (const [place, { whiskers = [], colour, marker }] of all.entries()) {
      const shade = pick(theme.colours, colour);
      for (const [row, middle, low, high] of whiskers) {
        const top = middleOfRow(chart, row, ratio) + (place - (all.length - 1) / 2) * step;
        const [from, at, to] = [low, middle, high].map((value) =>
          chart.valToPos(x.position(value), "x", true),
        );
        if (from === undefined || at === undefined || to === undefined) continue;
        context.strokeStyle = shade;
        context.lineWidth = 2 * ratio;
        context.beginPath();
        context.moveTo(from, top);
        context.lineTo(to, top);
        context.stroke();
        paintMarker(
          context,
          pick(MARKERS, marker ?? 0),
          at,
          top,
          MARKER_SIZE * ratio,
          shade,
          theme.background,
        );
      }
    }
  });
}

/** Each trial lasts from its beginning to its end; a tick below says where it began. */
export function paintSpans(
  chart: uPlot,
  series: readonly ChartSeries[],
  x: AxisPlan,
  y: AxisPlan,
  { theme }: ChartLook,
): void {
  within(chart, (context, ratio) => {
    for (const { points, spans, colour, marker } of series) {
      if (spans === undefined) continue;
      const shade = pick(theme.colours, colour);
      const size = points.length > CROWD ? MARKER_SIZE / 2 : MARKER_SIZE;
      for (const [index, [from, value]] of points.entries()) {
        const left = chart.valToPos(x.position(from), "x", true);
        const right = chart.valToPos(x.position(from + (spans[index] ?? 0)), "x", true);
        const top = chart.valToPos(y.position(value), "y", true);
        context.fillStyle = shade;
        context.fillRect(left, top - 1.5 * ratio, Math.max(3 * ratio, right - left), 3 * ratio);
        const bottom = chart.bbox.top + chart.bbox.height;
        context.fillRect(left, bottom - 7 * ratio, 1.2 * ratio, 7 * ratio);
        if (marker === null) continue;
        paintMarker(
          context,
          pick(MARKERS, marker),
          (left + right) / 2,
          top,
          size * ratio,
          shade,
          theme.background,
        );
      }
    }
  });
}
