/** Which chunk to use, for people: the answer for each rate and working set, and the curve that it was read from. */
import { chunkForAll, TAX_TOLERANCE_POINTS } from "../compare/chunk-advice.js";
import type { ChunkAdvice, ChunkPoint } from "../results/chunk-advice-schema.js";
import { formatSize } from "../scenario/quantities.js";
import { isTrace, tracePath } from "../scenario/trace-workload.js";
import { decimalsFor, formatFigure, scaleFor, signedPercent } from "./quantity.js";
import { paint, type TerminalStyle, wrap } from "./terminal-style.js";

const HEADS = ["chunk", "tax on writes", "to resync after a crash", "at most", ""] as const;

/** @returns lines, none where there is no advice */
export function chunkAdviceLines(advices: readonly ChunkAdvice[], style: TerminalStyle): string[] {
  if (advices.length === 0) return [];
  const lines = ["", paint("Which chunk to use", "bold", style)];
  for (const advice of advices) {
    lines.push("", wrap(adviceSentence(advice), style, "  "), ...curveLines(advice, style));
  }
  if (advices.length > 1) lines.push("", wrap(togetherSentence(advices), style, "  "));
  return lines;
}

/** What is advised, for which rate and working set, what it costs and how sure it is. */
export function adviceSentence(advice: ChunkAdvice): string {
  const { verdict, chunkBytes, points, shares } = advice;
  const chunk = formatSize(chunkBytes);
  const share = shares.find((one) => one.chunkBytes === chunkBytes)?.share ?? 0;
  const point = points.find((one) => one.chunkBytes === chunkBytes);
  const costs = point === undefined ? "" : ` ${costSentence(point)}`;
  const where = `${capital(settingText(advice))}: `;
  if (verdict === "doesNotMatter") {
    return `${where}the chunk does not matter to writes, all taxes lie within ${TAX_TOLERANCE_POINTS} percentage points of each other. ${chunk} leaves the least to resync.${costs}`;
  }
  if (verdict === "use") return `${where}use ${chunk} (${percentText(share)} of resamples agree).${costs}`;
  const likely = shares
    .filter((one) => one.share >= 0.05)
    .map((one) => `${formatSize(one.chunkBytes)} in ${percentText(one.share)}`)
    .join(", ");
  return `${where}undecided, likeliest ${chunk}; of the resamples, ${likely} name it. More --trials, a longer --time or a quieter machine would tell.${costs}`;
}

function costSentence({ taxPercent, dirtyBytes }: ChunkPoint): string {
  const resync = inUnits(dirtyBytes.mean);
  return `Its tax on writes is ${signedPercent(taxPercent.median)} (${signedPercent(taxPercent.low)} to ${signedPercent(taxPercent.high)}), and a node that dies leaves ${resync} to resync.`;
}

/** `at 10 % of the maximum (812 writes/s) over all of the array, 4 nodes, uniform writes of 4K`; of a trace, its own. */
export function settingText({ setting, offeredPerSecond }: ChunkAdvice): string {
  const rate = formatFigure(offeredPerSecond, 0);
  const offered =
    setting.times === "recorded"
      ? `at its own times (${rate} writes/s)`
      : setting.ratePercent === undefined
        ? `at ${rate} writes/s`
        : `at ${formatFigure(Number(setting.ratePercent), 0)} % of the maximum (${rate} writes/s)`;
  const set = String(setting.workingSet ?? "all");
  const over = set === "all" ? "over all of the array" : `over ${set.replace("%", " %")} of the array`;
  const nodes = `${setting.nodes} ${setting.nodes === 1 ? "node" : "nodes"}`;
  const workload = String(setting.workload);
  const writes = isTrace(workload)
    ? `the trace ${tracePath(workload)}`
    : `${workload} writes of ${formatSize(Number(setting.writeBytes))}`;
  return `${offered} ${over}, ${nodes}, ${writes}`;
}

function togetherSentence(advices: readonly ChunkAdvice[]): string {
  const together = chunkForAll(advices);
  if (together === null)
    return "No chunk suits all of these together: choose by the rate and working set that are yours.";
  return `For all of these together: ${formatSize(together)}, the smallest whose tax is within ${TAX_TOLERANCE_POINTS} percentage points of the lowest in each.`;
}

function curveLines({ points, chunkBytes, kneeChunkBytes }: ChunkAdvice, style: TerminalStyle): string[] {
  const rows = points.map((point) => [
    formatSize(point.chunkBytes),
    `${signedPercent(point.taxPercent.median)} (${signedPercent(point.taxPercent.low)} to ${signedPercent(point.taxPercent.high)})`,
    inUnits(point.dirtyBytes.mean),
    inUnits(point.dirtyBytes.max),
    [
      ...(point.chunkBytes === chunkBytes ? ["use"] : []),
      ...(point.chunkBytes === kneeChunkBytes ? ["knee"] : []),
      ...(point.leftOut > 0 ? [`${point.leftOut} of ${point.leftOut + point.pairs} pairs left out`] : []),
    ].join(", "),
  ]);
  const widths = HEADS.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `    ${cells.map((cell, column) => cell[column === 4 ? "padEnd" : "padStart"](widths[column] ?? 0)).join("  ")}`.trimEnd();
  return [
    paint(line(HEADS), "dim", style),
    ...rows.map((row) => (row[4]?.startsWith("use") ? paint(line(row), "bold", style) : line(row))),
  ];
}

function inUnits(bytes: number): string {
  const { unit, size } = scaleFor("bytes", bytes);
  return `${formatFigure(bytes / size, decimalsFor(bytes / size))} ${unit}`;
}

function percentText(share: number): string {
  return share >= 0.995 ? "over 99 %" : `${formatFigure(100 * share, 0)} %`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
