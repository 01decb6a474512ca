/**
 * A difference between machines in words: always a ratio of medians with its interval, never a bare percentage. It counts as a
 * difference only where an exact rank test says so, too. Runs in the page as well.
 */
import { smallestP } from "../../compare/least-trials.js";
import { rankTest } from "../../compare/rank-test.js";
import { type RatioInterval, ratioInterval } from "../../compare/ratio-interval.js";
import { formatFigure } from "../quantity.js";

export type Verdict = "better" | "worse" | "same" | "tooFew";

export interface ComparedFigure {
  /** `other` ÷ `base`. */
  readonly interval: RatioInterval;
  /** `same`: no difference is shown. `tooFew`: so few trials that none could be. */
  readonly verdict: Verdict;
}

const SIGNIFICANCE = 0.05;

/** @returns null where a side has no trial, or one that is not above 0, for which there is no ratio */
export function compareFigures(
  base: readonly number[],
  other: readonly number[],
  direction: "lower" | "higher",
): ComparedFigure | null {
  if ([...base, ...other].some((sample) => !(sample > 0 && Number.isFinite(sample)))) return null;
  const test = rankTest(other, base);
  if (test === null) return null;
  const interval = ratioInterval(base, other, 1 - SIGNIFICANCE);
  if (smallestP(base.length, other.length) > SIGNIFICANCE) return { interval, verdict: "tooFew" };
  const shown = test.p <= SIGNIFICANCE && (interval.low > 1 || interval.high < 1);
  const isBetter = direction === "lower" ? interval.ratio < 1 : interval.ratio > 1;
  return { interval, verdict: shown ? (isBetter ? "better" : "worse") : "same" };
}

/** `1.32 ×`. */
export function ratioFigure(ratio: number): string {
  return `${formatFigure(ratio)} ×`;
}

/** `1.21 to 1.44`; where no test could tell a difference that is said instead of a confidence. */
export function intervalText({ interval: { low, high }, verdict }: ComparedFigure): string {
  if (low === high) return "one trial each";
  return `${formatFigure(low)} to ${formatFigure(high)}${verdict === "tooFew" ? ", too few trials to tell" : ""}`;
}

/** `1.32 × (1.21 to 1.44) worse`. */
export function ratioText(compared: ComparedFigure): string {
  const { interval, verdict } = compared;
  const judged = verdict === "better" || verdict === "worse" ? ` ${verdict}` : "";
  return `${ratioFigure(interval.ratio)} (${intervalText(compared)})${judged}`;
}
