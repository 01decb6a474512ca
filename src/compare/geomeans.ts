/** One figure over all variants that have it: the geometric mean, so that a slow variant weighs no more than a fast one. */
import type { ComparedFigure } from "./compared-figure.js";
import { figureName, type MetricFigure } from "./metric-figures.js";

export interface Geomean extends MetricFigure {
  readonly base: number;
  readonly head: number;
  /** Head ÷ base. */
  readonly ratio: number;
  readonly variants: number;
}

/** Of figures with several variants; none where a median is 0, or is a percentage. */
export function geomeans(figures: readonly ComparedFigure[]): Geomean[] {
  const groups = new Map<string, ComparedFigure[]>();
  for (const figure of figures) {
    const name = figureName(figure);
    groups.set(name, [...(groups.get(name) ?? []), figure]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const positive = group.every(
      ({ base, head, unit }) => unit !== "percent" && base.median > 0 && head.median > 0,
    );
    if (first === undefined || group.length < 2 || !positive) return [];
    const base = geometricMean(group.map((one) => one.base.median));
    const head = geometricMean(group.map((one) => one.head.median));
    const { metric, figure } = first;
    return [{ metric, figure, base, head, ratio: head / base, variants: group.length }];
  });
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
