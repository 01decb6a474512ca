/**
 * Two results, one verdict. Every figure that is selected is judged for itself, after Holm's correction over all of them; one that
 * regressed is a regression, one that could not be judged leaves the whole inconclusive.
 */
import { SlotmarkError } from "../errors.js";
import type { Calibration } from "../results/calibration.js";
import type { Result } from "../results/schema.js";
import { type Difference, differences } from "./comparability.js";
import { type ComparedFigure, judgeFigures } from "./compared-figure.js";
import type { Confirmation } from "./confirmation.js";
import { type Geomean, geomeans } from "./geomeans.js";
import type { Looks } from "./looks.js";
import { DEFAULT_METRICS, figureName } from "./metric-figures.js";
import { differingRates, OFFERED_METRIC, type OfferedRates } from "./offered-rates.js";
import { type FigurePair, pairFigures, type RoundOf, type Unmatched } from "./paired-figures.js";
import { refuseDifferentUnits } from "./units.js";
import { countUnused, labelsOfSides, plannedTrials, type Unused } from "./variants.js";
import type { Verdict } from "./verdict.js";

/** Of all comparisons in which nothing has changed, at most so many find any change. */
export const DEFAULT_ALPHA = 0.01;

export interface NamedResult {
  /** For messages: its file. */
  readonly name: string;
  readonly result: Result;
}

export interface CompareOptions {
  /** Patterns; empty: DEFAULT_METRICS. */
  readonly metrics: readonly string[];
  readonly alpha: number;
  /** Of the intervals of changes; 0.95 where nothing is said. */
  readonly confidence?: number;
  /** The least change that counts, percent; null: the noise floor alone. */
  readonly thresholdPercent: number | null;
  /** Compare also what differs in more than it should. */
  readonly anyway: boolean;
  readonly calibration: Calibration | null;
  /** Of the figures selected only those that this holds for. */
  readonly only?: (figure: FigurePair) => boolean;
  /** Where both sides were measured by turns. */
  readonly turns?: Turns;
}

/** How two sides came about that were measured by turns, round by round. */
export interface Turns {
  readonly roundOf: RoundOf;
  /** In what the sides differ on purpose: that is no difference. */
  readonly varied: ReadonlySet<Difference["kind"]>;
}

export interface ComparedSide {
  readonly name: string;
  readonly createdAt: string;
  readonly slotmark: Result["slotmark"];
  readonly node: string;
  readonly trials: number;
  readonly unused: Readonly<Record<Unused, number>>;
  readonly warnings: Result["warnings"];
}

export interface Comparison {
  /** null: they differ in what must be equal, and nothing was compared. */
  readonly verdict: Verdict | null;
  readonly base: ComparedSide;
  readonly head: ComparedSide;
  readonly differences: readonly Difference[];
  /** Compared in spite of the differences. */
  readonly anyway: boolean;
  /** They differ, be it by --anyway or in what was varied on purpose: not all that one has the other must have. */
  readonly unlike: boolean;
  readonly alpha: number;
  readonly thresholdPercent: number | null;
  readonly figures: readonly ComparedFigure[];
  readonly geomeans: readonly Geomean[];
  /** What only one side has. */
  readonly unmatched: readonly Unmatched[];
  /** In open loop: where the two sides were offered different rates. */
  readonly offered: readonly OfferedRates[];
  /** What a second measurement said of what regressed; null: there was none. */
  readonly confirmation: Confirmation | null;
  /** Where it was looked at while it grew, until all was decided; null: once, in the end. */
  readonly looks: Looks | null;
}

/**
 * @throws SlotmarkError `result-without-trials`, `nothing-in-common` (nothing), `metric-not-there` (nothing), `units-differ`,
 * `metric-negative` (input)
 */
export function compareResults(base: NamedResult, head: NamedResult, options: CompareOptions): Comparison {
  for (const { name, result } of [base, head]) refuseEmpty(name, result);
  refuseDifferentUnits(base, head);
  const { alpha, thresholdPercent, turns } = options;
  const differing = differences(base.result, head.result);
  const found = differing.filter(({ kind }) => turns?.varied.has(kind) !== true);
  const sides = { base: sideOf(base), head: sideOf(head), differences: found };
  const anyway = options.anyway && found.length > 0;
  // Whoever compares unlike things knows that they do not have all in common.
  const unlike = anyway || differing.length > found.length;
  if (found.length > 0 && !anyway)
    return {
      ...sides,
      verdict: null,
      anyway,
      unlike,
      alpha,
      thresholdPercent,
      figures: [],
      geomeans: [],
      unmatched: [],
      offered: [],
      confirmation: null,
      looks: null,
    };

  const ignored = unlike ? labelsOfSides(base.result, head.result) : new Set<string>();
  const patterns = options.metrics.length > 0 ? options.metrics : DEFAULT_METRICS;
  const trialsOfBase = plannedTrials(base.result, ignored);
  const trialsOfHead = plannedTrials(head.result, ignored);
  const { pairs: all, unmatched } = pairFigures(trialsOfBase, trialsOfHead, patterns, alpha, turns?.roundOf);
  const { only } = options;
  const pairs = only === undefined ? all : all.filter(only);
  if (pairs.length === 0) throw nothingInCommon(base, head, patterns, unmatched);
  const figures = judgeFigures(pairs, options);
  const lost = unlike ? [] : unmatched;
  return {
    ...sides,
    verdict: overall(figures, lost),
    anyway,
    unlike,
    alpha,
    thresholdPercent,
    figures,
    geomeans: geomeans(figures),
    unmatched,
    offered: differingRates(pairFigures(trialsOfBase, trialsOfHead, [OFFERED_METRIC], alpha).pairs),
    confirmation: null,
    looks: null,
  };
}

/** @param lost what should be there and is not */
export function overall(figures: readonly ComparedFigure[], lost: readonly Unmatched[]): Verdict {
  const all = figures.map(({ verdict }) => verdict);
  if (all.includes("regressed")) return "regressed";
  if (all.includes("inconclusive") || lost.length > 0) return "inconclusive";
  return all.includes("improved") ? "improved" : "unchanged";
}

function sideOf({ name, result }: NamedResult): ComparedSide {
  return {
    name,
    createdAt: result.createdAt,
    slotmark: result.slotmark,
    node: result.environment.node,
    trials: result.trials.length,
    unused: countUnused(result),
    warnings: result.warnings,
  };
}

function refuseEmpty(name: string, { trials }: Result): void {
  if (trials.length > 0) return;
  throw new SlotmarkError(
    "nothing",
    "result-without-trials",
    `${name} holds no trial: field trials is empty`,
    "Run the suite for long enough to measure something, then compare again.",
  );
}

function nothingInCommon(
  base: NamedResult,
  head: NamedResult,
  patterns: readonly string[],
  unmatched: readonly Unmatched[],
): SlotmarkError {
  if (unmatched.length > 0) {
    const [{ variant, figure, side, unused }] = unmatched as [Unmatched, ...Unmatched[]];
    const where = side === "both" ? "neither side" : `only ${side === "base" ? base.name : head.name}`;
    const what = figure === null ? `usable trials of ${variant.suite}` : figureName(figure);
    const why = unused > 0 ? `; ${unused} of the other trials had not settled or ran degraded` : "";
    return new SlotmarkError(
      "nothing",
      "nothing-in-common",
      `${base.name} and ${head.name} have no usable trials in common: ${where} has ${what}${why}`,
      "Measure both sides with the same suite and options, for long enough to settle.",
    );
  }
  const names = [...new Set(base.result.trials.flatMap(({ metrics }) => Object.keys(metrics)))];
  return new SlotmarkError(
    "nothing",
    "metric-not-there",
    `no metric in common matches ${patterns.map((pattern) => JSON.stringify(pattern)).join(", ")}`,
    `${base.name} has ${listed(names)}: choose by --metric, which takes * for any characters.`,
  );
}

const SHOWN_NAMES = 12;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  return names.length > SHOWN_NAMES ? `${shown} and ${names.length - SHOWN_NAMES} more` : shown;
}
