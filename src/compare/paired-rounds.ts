/**
 * Two samples whose trials belong together by round: both of a round were measured next to each other, in random order. What drifts
 * from round to round (heat, other users, the device's own housekeeping) is in both, and is not in their ratio.
 */

import { median } from "../measure/quantile.js";
import { ratioOf } from "./ratio-interval.js";

/** A sample's values, each with the round that it is of. */
export interface RoundValue {
  readonly round: number;
  readonly value: number;
}

/**
 * @returns of each round that both have, the logarithm of head ÷ base (of the round's medians, where it has several trials); null where
 * one is not finite: what was 0 on one side only has no ratio
 */
export function logRatios(base: readonly RoundValue[], head: readonly RoundValue[]): number[] | null {
  const [one, other] = [byRound(base), byRound(head)];
  const ratios = [...one].flatMap(([round, values]) => {
    const heads = other.get(round);
    return heads === undefined ? [] : [Math.log(ratioOf(median(values), median(heads)))];
  });
  return ratios.every(Number.isFinite) ? ratios : null;
}

function byRound(values: readonly RoundValue[]): Map<number, number[]> {
  const rounds = new Map<number, number[]>();
  for (const { round, value } of values) rounds.set(round, [...(rounds.get(round) ?? []), value]);
  return rounds;
}

/** The smallest two-sided p-value of the signed-rank test: all signs alike. */
export function smallestPairedP(rounds: number): number {
  return Math.min(1, 2 ** (1 - rounds));
}

/**
 * Choices of signs with a rank sum of at most 4, of 2ⁿ: a round or two that by chance go a little the other way still leave a finding
 * possible.
 */
const ROOM = 7;

/**
 * Rounds from which on pairs are the better samples. A signed-rank test of fewer could find only what shows in every single round, and
 * the U test over all trials finds more, though drift costs it sharpness. Decided by numbers known beforehand, never by the figures:
 * whoever takes the better of two tests has twice the false alarms.
 */
export function leastRounds(hypotheses: number, alpha: number): number {
  return Math.max(1, Math.ceil(1 + Math.log2((ROOM * Math.max(1, hypotheses)) / alpha)));
}
