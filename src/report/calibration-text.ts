/** A calibration for people: the floors of the figures that `compare` looks at by default, the others counted. */
import { DEFAULT_METRICS, figureName } from "../compare/metric-figures.js";
import type { Calibration } from "../results/calibration.js";
import { variantNames } from "./compare-names.js";
import { formatFigure, scaleFor } from "./quantity.js";
import { paint, type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";

/** @returns lines, the last one ended */
export function calibrationText(
  calibration: Calibration,
  style: TerminalStyle = terminalStyle(process.stdout),
): string {
  const { floors, runs, quantile, confidence } = calibration;
  const usual = floors.filter((floor) => DEFAULT_METRICS.includes(figureName(floor)));
  const shown = usual.length > 0 ? usual : floors;
  const nameOf = variantNames(shown);
  const head = ["", "", "floor", "by chance", "between runs", "n"];
  const rows = shown.map((floor) => [
    figureName(floor),
    nameOf(floor),
    percent(floor.floorPercent),
    percent(floor.withinPercent),
    percent(floor.betweenRunsPercent),
    String(floor.trialsPerSide),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const legend =
    `Changes of less than the floor are this machine's own. By chance: ${formatFigure(100 * quantile, 0)} % of changes between two random samples of n trials are ` +
    `smaller (with ${formatFigure(100 * confidence, 0)} % confidence). Between runs: the largest change between two of ${runs} whole runs.`;
  const left = floors.length - shown.length;
  return `${[
    paint("Noise floors of this machine", "bold", style),
    paint(line(head), "dim", style),
    ...rows.map(line),
    "",
    ...(left > 0
      ? [wrap(`${left} more ${left === 1 ? "figure is" : "figures are"} in the file.`, style, "")]
      : []),
    ...noisyLines(shown, style),
    ...preflushLines(calibration, style),
    paint(wrap(legend, style, ""), "dim", style),
  ].join("\n")}\n`;
}

/** A floor above this hides what anybody would want to see. */
const USEFUL_PERCENT = 50;

function noisyLines(floors: Calibration["floors"], style: TerminalStyle): string[] {
  const noisy = floors.filter(({ floorPercent }) => floorPercent > USEFUL_PERCENT).length;
  if (noisy === 0) return [];
  const text = `${noisy} of these ${floors.length} floors are above ${USEFUL_PERCENT} %: as it was, this machine is too noisy to gate by them. \`slotmark doctor\` says what disturbs; then calibrate again.`;
  return [paint(wrap(text, style, ""), "yellow", style)];
}

function preflushLines({ preflush }: Calibration, style: TerminalStyle): string[] {
  if (preflush === null) return [];
  const { unit, size } = scaleFor("ns", Math.max(Math.abs(preflush.latencyNs), Math.abs(preflush.highNs)));
  const show = (ns: number) => formatFigure(ns / size);
  const text = `The flush before a bitmap page, which md's own bio does not need, takes ${show(preflush.latencyNs)} ${unit} (${show(preflush.lowNs)} to ${show(preflush.highNs)}) of a plug that writes one.`;
  return [wrap(text, style, "")];
}

function percent(value: number): string {
  return `${formatFigure(value, value < 10 ? 1 : 0)} %`;
}
