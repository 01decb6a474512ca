/**
 * What two samples of a figure give a verdict to go by: the test, the interval of the ratio, and how much so many samples can show.
 * Either of all trials of both sides (U test, ratio of medians), or of pairs where trials belong together by round (signed-rank test,
 * ratio within the rounds) and there are rounds enough for that to be the sharper tool.
 */
import { leastTrials, smallestP } from "./least-trials.js";
import type { FigurePair } from "./paired-figures.js";
import { leastRounds, logRatios, smallestPairedP } from "./paired-rounds.js";
import { rankTest } from "./rank-test.js";
import { type RatioInterval, ratioInterval } from "./ratio-interval.js";
import { shiftInterval, signedRankTest } from "./signed-rank.js";

export interface FigureEvidence {
  /** Rounds that both sides have, where pairs are the samples. */
  readonly rounds: number | null;
  readonly samples: number;
  readonly leastSamples: number;
  readonly smallestP: number;
  readonly headAbove: number;
  readonly headBelow: number;
  readonly p: number;
  /** `signedRank`, `signedRankNormal`: of pairs; the others are U tests. `normal`: approximated, else counted. */
  readonly method: "exact" | "exactTies" | "normal" | "signedRank" | "signedRankNormal";
  /** Head ÷ base. */
  readonly interval: RatioInterval;
}

export interface EvidenceOptions {
  /** Figures that are compared in all. */
  readonly hypotheses: number;
  readonly alpha: number;
  /** Of the interval. */
  readonly confidence: number;
}

/**
 * @param base on the scale on which ratios are taken, none below 0; `head` likewise
 */
export function figureEvidence(
  base: readonly number[],
  head: readonly number[],
  rounds: FigurePair["rounds"],
  { hypotheses, alpha, confidence }: EvidenceOptions,
): FigureEvidence {
  const ratios = rounds === null ? null : logRatios(inRounds(base, rounds.base), inRounds(head, rounds.head));
  return ratios !== null && ratios.length >= leastRounds(hypotheses, alpha)
    ? ofPairs(ratios, leastRounds(hypotheses, alpha), confidence)
    : ofTrials(base, head, { hypotheses, alpha, confidence });
}

function inRounds(values: readonly number[], rounds: readonly number[]) {
  return values.map((value, index) => ({ value, round: rounds[index] ?? Number.NaN }));
}

function ofPairs(ratios: readonly number[], leastSamples: number, confidence: number): FigureEvidence {
  const test = signedRankTest(ratios);
  const { shift, low, high } = shiftInterval(ratios, confidence);
  return {
    rounds: ratios.length,
    samples: ratios.length,
    leastSamples,
    smallestP: smallestPairedP(ratios.length),
    headAbove: test.higher,
    headBelow: test.lower,
    p: test.p,
    method: test.method === "normal" ? "signedRankNormal" : "signedRank",
    interval: { ratio: Math.exp(shift), low: Math.exp(low), high: Math.exp(high), confidence },
  };
}

function ofTrials(
  base: readonly number[],
  head: readonly number[],
  { hypotheses, alpha, confidence }: EvidenceOptions,
): FigureEvidence {
  const test = rankTest(base, head);
  if (test === null) throw new Error("a figure that is compared has trials on both sides");
  const more = Math.max(base.length, head.length);
  const alike = leastTrials(hypotheses, alpha);
  return {
    rounds: null,
    samples: Math.min(base.length, head.length),
    // A side with fewer than that has to grow itself.
    leastSamples: more < alike ? alike : leastTrials(hypotheses, alpha, more),
    smallestP: smallestP(base.length, head.length),
    // The base's ranks are low where the head's are high.
    headAbove: test.lower,
    headBelow: test.higher,
    p: test.p,
    method: test.method,
    interval: ratioInterval(base, head, confidence),
  };
}
