/**
 * A comparison that is looked at while it grows, until every figure is decided. Whoever tests after every few rounds and stops at
 * the first finding has many times alpha's false alarms; so each look may spend only its part of alpha, and all parts together are
 * alpha: look k spends alpha ÷ (k (k + 1)), a series whose sum is 1 however many looks there will be. By Holm's correction a look makes
 * any false finding among its figures at most so often, and by Bonferroni's inequality so do all looks together, however they depend
 * on each other and on when one stops (alpha spending: Lan and DeMets 1983; the series: Robbins 1970).
 *
 * What is decided stays so: a later look would only be another chance to err. Intervals are widened by the same parts, so that
 * `unchanged`, too, errs no more often than at a single look.
 */
import { type Comparison, overall } from "./compare-results.js";
import type { ComparedFigure } from "./compared-figure.js";
import { figureKey } from "./confirmation.js";

/** Of a single look; see the intervals of `figure-evidence.ts`. */
const CONFIDENCE = 0.95;
/** Each look has this many times as many rounds as the one before: few looks spend little, and none comes much too late. */
const GROWTH = 1.5;

/** What a look goes by. */
export interface LookLevels {
  readonly alpha: number;
  /** Of the intervals of changes. */
  readonly confidence: number;
}

export interface Looks {
  /** Rounds that had been measured at each. */
  readonly rounds: readonly number[];
  /** What each spent of alpha. */
  readonly alphas: readonly number[];
}

/** @param number 1 for the first look */
export function lookLevels(alpha: number, number: number): LookLevels {
  const share = 1 / (number * (number + 1));
  return { alpha: alpha * share, confidence: 1 - (1 - CONFIDENCE) * share };
}

/** Rounds of the look that follows one at `rounds`. */
export function roundsOfNextLook(rounds: number): number {
  return Math.ceil(rounds * GROWTH);
}

/** The looks so far, and what they have decided. */
export class LookSequence {
  private readonly decided = new Map<string, ComparedFigure>();
  private readonly rounds: number[] = [];
  private readonly alphas: number[] = [];

  constructor(private readonly alpha: number) {}

  /** What the next look goes by. */
  get next(): LookLevels {
    return lookLevels(this.alpha, this.rounds.length + 1);
  }

  /**
   * @param comparison of all rounds so far, at the levels of `next`
   * @returns what is known by now: figures as they were when they were decided, the others as they are
   */
  take(comparison: Comparison, rounds: number): Comparison {
    this.alphas.push(this.next.alpha);
    this.rounds.push(rounds);
    const figures = comparison.figures.map((figure) => {
      const before = this.decided.get(figureKey(figure));
      if (before !== undefined) return before;
      if (figure.verdict !== "inconclusive") this.decided.set(figureKey(figure), figure);
      return figure;
    });
    return {
      ...comparison,
      alpha: this.alpha,
      figures,
      verdict:
        comparison.verdict === null ? null : overall(figures, comparison.unlike ? [] : comparison.unmatched),
      looks: { rounds: [...this.rounds], alphas: [...this.alphas] },
    };
  }
}

/** Whether more rounds could change nothing: all figures are decided, or nothing can be compared at all. */
export function isDecided({ verdict, figures, unlike, unmatched }: Comparison): boolean {
  if (verdict === null) return true;
  return figures.every((figure) => figure.verdict !== "inconclusive") && (unlike || unmatched.length === 0);
}
