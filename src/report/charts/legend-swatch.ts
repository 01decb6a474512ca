/** A series as it looks in the picture, small, beside its name. Runs in the page as well. */
import type uPlot from "uplot";
import type { ChartSeries } from "./chart-spec.js";
import { type ChartTheme, DASHES, MARKERS, pick } from "./chart-theme.js";
import { paintMarker } from "./mark-painting.js";

/** CSS pixels. */
export const SWATCH_WIDTH = 30;

/** From `left`, around `middle`. */
export function paintSwatch(
  context: uPlot["ctx"],
  series: ChartSeries,
  left: number,
  middle: number,
  theme: ChartTheme,
): void {
  const colour = pick(theme.colours, series.colour);
  context.fillStyle = colour;
  if (series.bars !== undefined) {
    context.fillRect(left, middle - 6, SWATCH_WIDTH, 12);
    return;
  }
  context.strokeStyle = colour;
  context.lineWidth = series.spans === undefined ? 2 : 3;
  context.setLineDash(series.spans === undefined ? [...pick(DASHES, series.dash)] : []);
  context.beginPath();
  context.moveTo(left, middle);
  context.lineTo(left + SWATCH_WIDTH, middle);
  context.stroke();
  context.setLineDash([]);
  if (series.marker === null) return;
  paintMarker(
    context,
    pick(MARKERS, series.marker),
    left + SWATCH_WIDTH / 2,
    middle,
    8,
    colour,
    theme.background,
  );
}
