/**
 * Change points over a history of results: for each figure of each variant, the medians of its trials in the order in which they were
 * measured. Like with like: results of another machine, device, scenario or backend are a history of their own.
 */
import { median } from "../measure/quantile.js";
import type { Trial } from "../results/schema.js";
import { differences } from "./comparability.js";
import type { NamedResult } from "./compare-results.js";
import { changePoints, LEAST_SEGMENT } from "./e-divisive.js";
import { smallestP } from "./least-trials.js";
import { DEFAULT_METRICS, FIGURES, type MetricFigure, selectedFigures } from "./metric-figures.js";
import { ratioOf } from "./ratio-interval.js";
import { ratioScale } from "./ratio-scale.js";
import { refuseDifferentUnits } from "./units.js";
import { plannedTrials, type Variant } from "./variants.js";

/** One result's figure. */
export interface TrendPoint {
  readonly name: string;
  readonly createdAt: string;
  readonly commit: string;
  /** Median of its trials. */
  readonly value: number;
  readonly trials: number;
}

export interface TrendChange {
  /** Last result before it and first after: the commits behind the first, up to the second, hold the cause. */
  readonly before: TrendPoint;
  readonly after: TrendPoint;
  /** Results between the changes before and behind it. */
  readonly resultsBefore: number;
  readonly resultsAfter: number;
  /** Medians of these results. */
  readonly base: number;
  readonly head: number;
  /** Head ÷ base; of a metric in percent, of what these percents are added to. */
  readonly ratio: number;
  readonly verdict: "regressed" | "improved";
  readonly p: number;
}

export interface TrendSeries extends MetricFigure {
  readonly variant: Variant;
  readonly unit: string;
  readonly direction: "lower" | "higher";
  readonly points: readonly TrendPoint[];
  /** Oldest first; null: too few results for any change to show. */
  readonly changes: readonly TrendChange[] | null;
}

/** Results that may be compared with each other. */
export interface TrendGroup {
  readonly results: readonly NamedResult[];
  /** What sets it apart from the first group. */
  readonly differsIn: readonly string[];
  readonly series: readonly TrendSeries[];
}

export interface Trend {
  readonly alpha: number;
  readonly groups: readonly TrendGroup[];
  /** Series that were looked at; alpha is shared out among them. */
  readonly judged: number;
  /** Results of one group that a change needs at least in order to show. */
  readonly leastResults: number;
}

export interface TrendOptions {
  /** Patterns; empty: DEFAULT_METRICS. */
  readonly metrics: readonly string[];
  /** Of all histories in which nothing has changed, at most so many show any change. */
  readonly alpha: number;
}

const SEED = 1;

/** @throws SlotmarkError `units-differ` (input) */
export function trendOf(history: readonly NamedResult[], { metrics, alpha }: TrendOptions): Trend {
  const patterns = metrics.length > 0 ? metrics : DEFAULT_METRICS;
  const groups = likeWithLike(history).map((results) => ({
    results,
    series: results.length === 0 ? [] : seriesOf(results, patterns),
  }));
  const all = groups.flatMap(({ series }) => series);
  // Of those too short to show anything nothing is asked, so that they take no share of alpha.
  let judged = all.length;
  while (judged > 0) {
    const long = all.filter(({ points }) => points.length >= leastResults(judged, alpha)).length;
    if (long === judged) break;
    judged = long;
  }
  const hypotheses = Math.max(1, judged);
  const least = leastResults(judged > 0 ? hypotheses : Math.max(1, all.length), alpha);
  return {
    alpha,
    judged,
    leastResults: least,
    groups: groups.map(({ results, series }) => ({
      results,
      differsIn: differsIn(groups[0]?.results ?? [], results),
      series: series.map((one) => ({
        ...one,
        changes: one.points.length < least ? null : changesOf(one, alpha / hypotheses),
      })),
    })),
  };
}

/** A change in the middle splits the results in one of C(n, n ÷ 2) ways, which no permutation is likelier to reach by chance than that. */
function leastResults(hypotheses: number, alpha: number): number {
  let n = 2 * LEAST_SEGMENT;
  while (smallestP(Math.floor(n / 2), Math.ceil(n / 2)) > alpha / hypotheses) n++;
  return n;
}

/** What others did on the machine meanwhile is part of its noise; anything else makes another history. */
function unlike(one: NamedResult, other: NamedResult): string[] {
  return differences(one.result, other.result)
    .filter(({ kind }) => kind !== "disturbance")
    .map(({ field }) => field);
}

function likeWithLike(history: readonly NamedResult[]): NamedResult[][] {
  const groups: [NamedResult, ...NamedResult[]][] = [];
  for (const result of history) {
    const own = groups.find(([first]) => unlike(first, result).length === 0);
    if (own === undefined) groups.push([result]);
    else own.push(result);
  }
  return groups;
}

function differsIn([first]: readonly NamedResult[], [other]: readonly NamedResult[]): string[] {
  return first === undefined || other === undefined ? [] : unlike(first, other);
}

type Series = Omit<TrendSeries, "changes">;

function seriesOf(results: readonly NamedResult[], patterns: readonly string[]): Series[] {
  const [first] = results;
  const found = new Map<string, Series & { points: TrendPoint[] }>();
  for (const named of results) {
    if (first !== undefined) refuseDifferentUnits(first, named);
    for (const { key, variant, trials } of plannedTrials(named.result).flatMap(({ phases }) => phases)) {
      for (const { metric, figure, unit, direction, values } of figuresOf(trials, patterns)) {
        const name = `${key}/${metric}/${FIGURES.indexOf(figure)}`;
        const series = found.get(name) ?? { variant, metric, figure, unit, direction, points: [] };
        found.set(name, series);
        const { createdAt, slotmark } = named.result;
        const value = median(values);
        series.points.push({
          ...{ name: named.name, createdAt, commit: slotmark.commit },
          ...{ value, trials: values.length },
        });
      }
    }
  }
  return [...found.values()];
}

type FigureValues = Pick<Series, "metric" | "figure" | "unit" | "direction"> & { values: number[] };

/** Figures that all of the trials have. */
function figuresOf(trials: readonly Trial[], patterns: readonly string[]): FigureValues[] {
  return Object.entries(trials[0]?.metrics ?? {}).flatMap(([name, metric]) =>
    selectedFigures(patterns, name, metric).flatMap((figure) => {
      const values = trials.flatMap(({ metrics }) => metrics[name]?.[figure] ?? []);
      const { unit, direction } = metric;
      return values.length === trials.length ? [{ metric: name, figure, unit, direction, values }] : [];
    }),
  );
}

function changesOf({ points, unit, direction }: Series, alpha: number): TrendChange[] {
  const values = points.map(({ value }) => value);
  const found = changePoints(values, { alpha, seed: SEED });
  return found.flatMap(({ at, p }, index) => {
    const [before, after] = [points[at - 1], points[at]];
    if (before === undefined || after === undefined) return [];
    const from = found[index - 1]?.at ?? 0;
    const to = found[index + 1]?.at ?? points.length;
    const [base, head] = [median(values.slice(from, at)), median(values.slice(at, to))];
    const ratio = ratioOf(ratioScale(unit, base), ratioScale(unit, head));
    const worse = (direction === "lower") === head > base;
    const verdict = worse ? ("regressed" as const) : ("improved" as const);
    return [
      { before, after, resultsBefore: at - from, resultsAfter: to - at, base, head, ratio, verdict, p },
    ];
  });
}
