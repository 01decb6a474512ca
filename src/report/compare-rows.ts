/** A comparison's figures as texts: a section a figure, a row a variant. Text and Markdown set them in their own ways. */
import type { Comparison } from "../compare/compare-results.js";
import type { ComparedFigure, FigureSide } from "../compare/compared-figure.js";
import { figureName } from "../compare/metric-figures.js";
import type { Verdict } from "../compare/verdict.js";
import { comparedNames } from "./compare-names.js";
import { decimalsFor, formatFigure, type Scale, scaleFor } from "./quantity.js";

export interface ComparisonRow {
  readonly name: string;
  readonly base: string;
  readonly head: string;
  readonly change: string;
  /** Of the change. */
  readonly interval: string;
  readonly p: string;
  readonly trials: string;
  readonly floor: string;
  readonly verdict: string;
  /** null: a geometric mean, which is not judged. */
  readonly judged: Verdict | null;
}

export interface ComparisonSection {
  /** `write_latency_ns:p50, µs (lower is better)` */
  readonly title: string;
  readonly rows: readonly ComparisonRow[];
}

export function comparisonSections(comparison: Comparison): ComparisonSection[] {
  const nameOf = comparedNames(comparison);
  const names = [...new Set(comparison.figures.map(figureName))];
  return names.map((name) => {
    const figures = comparison.figures.filter((figure) => figureName(figure) === name);
    const [first] = figures;
    const largest = Math.max(
      ...figures.flatMap(({ base, head }) => [base.median, head.median]).map(Math.abs),
    );
    // One unit for the whole section, so that its rows can be compared at a glance.
    const scale = scaleFor(first?.unit ?? "", largest);
    const better = `${first?.direction ?? "lower"} is better`;
    const rows = figures.map((figure) => rowOf(figure, nameOf(figure.variant), scale));
    return {
      title: `${name}, ${scale.unit} (${better})`,
      rows: [...rows, ...geomeanRows(comparison, name, scale)],
    };
  });
}

function geomeanRows(comparison: Comparison, name: string, scale: Scale): ComparisonRow[] {
  const empty = { interval: "", p: "", trials: "", floor: "", verdict: "", judged: null };
  return comparison.geomeans
    .filter((mean) => figureName(mean) === name)
    .map(({ base, head, ratio }) => ({
      ...empty,
      name: "geomean",
      base: formatFigure(base / scale.size),
      head: formatFigure(head / scale.size),
      change: changeText(ratio),
    }));
}

function rowOf(figure: ComparedFigure, name: string, scale: Scale): ComparisonRow {
  const { base, head, interval, adjustedP, verdict } = figure;
  const shown = verdict === "unchanged" ? "~" : verdict === "inconclusive" ? "?" : changeText(interval.ratio);
  return {
    name,
    base: sideText(base, scale),
    head: sideText(head, scale),
    change: shown,
    interval: `${changeText(interval.low)} to ${changeText(interval.high)}`,
    p: probabilityText(adjustedP),
    trials: base.trials === head.trials ? String(base.trials) : `${base.trials}+${head.trials}`,
    floor: `${formatFigure(figure.floor.percent, figure.floor.percent < 10 ? 1 : 0)} %`,
    verdict: verdictText(figure),
    judged: verdict,
  };
}

function sideText({ median, low, high }: FigureSide, { size }: Scale): string {
  const figure = formatFigure(median / size, decimalsFor(median / size));
  const deviation = Math.max(high - median, median - low);
  if (median === 0) return deviation === 0 ? figure : `${figure} ± ∞`;
  const percent = (100 * deviation) / Math.abs(median);
  return `${figure} ± ${formatFigure(percent, percent < 1 && percent > 0 ? 1 : 0)} %`;
}

export function verdictText({ verdict, reason, moreTrials }: ComparedFigure): string {
  if (verdict === "unchanged") return "";
  if (verdict !== "inconclusive") return verdict;
  const why = reason === "tooFewTrials" ? "too few trials" : "too much noise";
  if (moreTrials === null) return `inconclusive: ${why}`;
  if (moreTrials > MOST_TRIALS)
    return `inconclusive: ${why}, over ${formatFigure(MOST_TRIALS, 0)} trials more`;
  return `inconclusive: ${why}, about ${moreTrials} more a side`;
}

/** From here on more trials are no advice. */
export const MOST_TRIALS = 1000;

/** Of a ratio: `+3.1 %`. */
export function changeText(ratio: number): string {
  if (!Number.isFinite(ratio)) return "+∞ %";
  const percent = 100 * (ratio - 1);
  const decimals = Math.abs(percent) < 0.05 ? 0 : Math.min(1, decimalsFor(percent));
  return `${percent > 0 && Number(percent.toFixed(decimals)) !== 0 ? "+" : ""}${formatFigure(percent, decimals)} %`;
}

export function probabilityText(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}
