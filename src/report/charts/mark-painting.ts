/** What uPlot does not draw itself: markers by shape, a timeline's bars, a run's trials, the knee. Runs in the page as well. */
import type uPlot from "uplot";
import type { Marker } from "./chart-theme.js";

/** Centred on x and y; `size` is its whole width. */
export function paintMarker(
  context: uPlot["ctx"],
  marker: Marker,
  x: number,
  y: number,
  size: number,
  colour: string,
  background: string,
): void {
  const half = size / 2;
  context.save();
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = size / 5;
  context.setLineDash([]);
  context.beginPath();
  switch (marker) {
    case "disc":
    case "ring":
      context.arc(x, y, half, 0, 2 * Math.PI);
      break;
    case "square":
      context.rect(x - half * 0.9, y - half * 0.9, size * 0.9, size * 0.9);
      break;
    case "triangle":
      polygon(
        context,
        [x, y - half * 1.15],
        [x + half * 1.1, y + half * 0.85],
        [x - half * 1.1, y + half * 0.85],
      );
      break;
    case "down":
      polygon(
        context,
        [x, y + half * 1.15],
        [x + half * 1.1, y - half * 0.85],
        [x - half * 1.1, y - half * 0.85],
      );
      break;
    case "diamond":
      polygon(context, [x, y - half * 1.2], [x + half * 1.2, y], [x, y + half * 1.2], [x - half * 1.2, y]);
      break;
    case "cross":
      lines(context, [x - half, y - half, x + half, y + half], [x - half, y + half, x + half, y - half]);
      break;
    case "plus":
      lines(context, [x - half, y, x + half, y], [x, y - half, x, y + half]);
      break;
  }
  if (marker === "ring") context.fillStyle = background;
  if (marker === "cross" || marker === "plus") context.stroke();
  else context.fill();
  if (marker === "ring") context.stroke();
  context.restore();
}

function polygon(context: uPlot["ctx"], ...corners: readonly (readonly [number, number])[]): void {
  for (const [index, [x, y]] of corners.entries()) {
    if (index === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
  context.closePath();
}

function lines(context: uPlot["ctx"], ...ends: readonly (readonly [number, number, number, number])[]): void {
  for (const [x1, y1, x2, y2] of ends) {
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
  }
}
