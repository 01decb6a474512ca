/**
 * What two samples of one figure say. A change counts only where three witnesses agree: the test (after Holm's correction), the
 * interval of the ratio, and the machine's noise floor. Each alone cries wolf: the test sees drift of no size, the
 * interval knows nothing of other figures, and a size says nothing about chance.
 */
import type { Metric } from "../results/schema.js";
import { normalUpperQuantile } from "./normal-distribution.js";
import type { RatioInterval } from "./ratio-interval.js";

export type Verdict = "regressed" | "improved" | "unchanged" | "inconclusive";

export interface Evidence {
  readonly direction: Metric["direction"];
  /** Samples that the test is of: trials of the smaller side, or pairs. */
  readonly samples: number;
  /** As few as can show anything, in a comparison of so many figures. */
  readonly leastSamples: number;
  /** The smallest p-value that so many samples can give. */
  readonly smallestP: number;
  /** P that, by chance alone, the head's values lie so far above the base's. */
  readonly headAbove: number;
  readonly headBelow: number;
  /** p after Holm's correction over all `hypotheses` figures that are compared. */
  readonly adjustedP: number;
  readonly hypotheses: number;
  readonly interval: RatioInterval;
  /** A change by less than this is the machine's, percent. */
  readonly floorPercent: number;
  /** What `unchanged` has to exclude is measured by this, percent; at least the floor. */
  readonly machineFloorPercent: number;
  readonly alpha: number;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** Of `inconclusive`: what is missing. */
  readonly reason: "tooFewTrials" | "tooMuchNoise" | null;
  /** About so many more trials a side would decide; null where it is decided, or where nobody can tell. */
  readonly moreTrials: number | null;
}

/**
 * Where no change is shown, `unchanged` claims something too: that a regression of so many noise floors would not have gone
 * unnoticed, for the interval ends before it. On a machine as quiet as when it was calibrated that holds for nearly all comparisons.
 */
const EXCLUDED_FLOORS = 2;
/** However noisy a machine is: what may have become three times as bad has not been shown to be unchanged. */
const MOST_EXCLUDED = Math.log(3);

export function judge(evidence: Evidence): Judgement {
  const { samples, leastSamples, alpha, hypotheses } = evidence;
  const worse = worsening(evidence);
  const floor = Math.log1p(evidence.floorPercent / 100);
  const sure = evidence.adjustedP <= alpha;
  if (sure && worse.low > 0 && worse.change > floor && worse.tailIsSmaller)
    return { verdict: "regressed", reason: null, moreTrials: null };
  if (sure && worse.high < 0 && worse.change < -floor && !worse.tailIsSmaller)
    return { verdict: "improved", reason: null, moreTrials: null };
  if (evidence.smallestP > alpha / hypotheses) {
    const moreTrials = Math.max(1, leastSamples - samples);
    return { verdict: "inconclusive", reason: "tooFewTrials", moreTrials };
  }
  const excluded = Math.min(MOST_EXCLUDED, EXCLUDED_FLOORS * Math.log1p(evidence.machineFloorPercent / 100));
  if (worse.high <= excluded) return { verdict: "unchanged", reason: null, moreTrials: null };
  return {
    verdict: "inconclusive",
    reason: "tooMuchNoise",
    moreTrials: trialsToDecide(evidence, worse, floor, excluded),
  };
}

interface Worsening {
  /** Logarithm of the ratio, positive where the head is worse; and its interval. */
  readonly change: number;
  readonly low: number;
  readonly high: number;
  /** Whether the ranks, too, put the head on the worse side. */
  readonly tailIsSmaller: boolean;
}

function worsening({ direction, interval, headAbove, headBelow }: Evidence): Worsening {
  const change = Math.log(interval.ratio);
  const [low, high] = [Math.log(interval.low), Math.log(interval.high)];
  return direction === "lower"
    ? { change, low, high, tailIsSmaller: headAbove < headBelow }
    : { change: -change, low: -high, high: -low, tailIsSmaller: headBelow < headAbove };
}

/**
 * The interval narrows by the root of the number of trials. If the change is as large as it looks, either it has to stand out (beyond
 * the floor) or the interval has to end before what must be excluded.
 */
function trialsToDecide(
  evidence: Evidence,
  { change, high }: Worsening,
  floor: number,
  excluded: number,
): number | null {
  const { samples, alpha, hypotheses } = evidence;
  const halfWidth = high - change;
  const standsOut =
    normalUpperQuantile(alpha / (2 * hypotheses)) /
    normalUpperQuantile((1 - evidence.interval.confidence) / 2);
  const room = change > floor ? change / Math.max(1, standsOut) : excluded - change;
  // Between what must be excluded and what counts there is nothing to decide.
  if (room <= 0) return null;
  const wanted = samples * (halfWidth / room) ** 2;
  return Number.isFinite(wanted) ? Math.max(1, Math.ceil(wanted - samples)) : null;
}
