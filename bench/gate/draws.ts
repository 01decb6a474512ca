/** Comparisons drawn from a recording: samples one by one, as `compare` has them, or by the rounds that `ab` makes. */
import { DEFAULT_ALPHA } from "../../src/compare/compare-results.js";
import { leastRounds } from "../../src/compare/paired-rounds.js";
import type { Pool, PoolTrial } from "./pool.js";

export const TRIALS_A_SIDE = 12;

export interface Draw {
  readonly base: readonly PoolTrial[];
  readonly head: readonly PoolTrial[];
  /** base[i] and head[i] are of one round. */
  readonly byRounds: boolean;
}

type Random = (limit: number) => number;

/**
 * Each side of a comparison from all trials alike, none twice.
 * @param slowdown of the head; null: none
 */
export function drawTrials({ trials }: Pool, slowdown: number | null, random: Random): Draw {
  const equal = trials.filter((trial) => trial.slowdown === null);
  if (slowdown === null) {
    const both = sample(equal, 2 * TRIALS_A_SIDE, random);
    return { base: both.slice(0, TRIALS_A_SIDE), head: both.slice(TRIALS_A_SIDE), byRounds: false };
  }
  const slowed = trials.filter((trial) => trial.slowdown === slowdown);
  return {
    base: sample(equal, TRIALS_A_SIDE, random),
    head: sample(slowed, Math.min(TRIALS_A_SIDE, slowed.length), random),
    byRounds: false,
  };
}

/** Rounds that `ab` makes by itself for the recording's figures. */
export function roundsOfAb({ figures }: Pool): number {
  return Math.max(TRIALS_A_SIDE, leastRounds(figures.length, DEFAULT_ALPHA));
}

/**
 * Rounds of two processes that ran next to each other, in random order: their trials of the same place in them. None twice; of two
 * equals a coin says which is the base. Null: the recording has not so many.
 */
export function drawRounds(pool: Pool, slowdown: number | null, random: Random): Draw | null {
  const pairs = pairsOfProcesses(pool, slowdown);
  const rounds = roundsOfAb(pool);
  if (pairs.length < rounds) return null;
  const drawn = sample(pairs, rounds, random).map(([one, other]) =>
    slowdown === null && random(2) === 0 ? ([other, one] as const) : ([one, other] as const),
  );
  return { base: drawn.map(([base]) => base), head: drawn.map(([, head]) => head), byRounds: true };
}

/** Both as slotmark is, or the first so and the second slowed down. */
function pairsOfProcesses({ trials }: Pool, slowdown: number | null): [PoolTrial, PoolTrial][] {
  const found = new Map<string, PoolTrial[]>();
  for (const trial of trials) {
    const key = `${trial.pair}/${trial.place}`;
    found.set(key, [...(found.get(key) ?? []), trial]);
  }
  return [...found.values()].flatMap((pair) => {
    const [one, other] = pair.toSorted((a, b) => (a.slowdown ?? -1) - (b.slowdown ?? -1));
    const wanted = one?.slowdown === null && other?.slowdown === slowdown;
    return wanted && one !== undefined && other !== undefined ? [[one, other]] : [];
  });
}

/** Without putting any back. */
function sample<T>(all: readonly T[], count: number, random: Random): T[] {
  if (all.length < count) throw new Error(`${all.length} are too few to draw ${count} of them`);
  const left = [...all];
  return Array.from({ length: count }, () => left.splice(random(left.length), 1)).flat();
}
