/** Brings like together with like: for each variant that both sides have, the selected figures with the samples of both. */
import type { Metric, Trial } from "../results/schema.js";
import { smallestP } from "./least-trials.js";
import { FIGURES, type MetricFigure, selectedFigures } from "./metric-figures.js";
import type { PlannedTrials, Variant, VariantTrials } from "./variants.js";

export interface FigurePair extends MetricFigure {
  readonly variant: Variant;
  readonly unit: string;
  readonly direction: Metric["direction"];
  readonly base: readonly number[];
  readonly head: readonly number[];
  /** Where trials belong together by round: of each value its round. */
  readonly rounds: { readonly base: readonly number[]; readonly head: readonly number[] } | null;
}

/** The round in which a trial of either side was measured. */
export type RoundOf = (trial: Trial) => number;

export interface Unmatched {
  readonly variant: Variant;
  /** null: none of the variant's figures. */
  readonly figure: MetricFigure | null;
  /** Who has it; both: each has trials of it, but none that can be used, or in different phases. */
  readonly side: "base" | "head" | "both";
  /** Trials that had not settled or ran degraded. */
  readonly unused: number;
}

export interface PairedFigures {
  readonly pairs: readonly FigurePair[];
  readonly unmatched: readonly Unmatched[];
}

/**
 * @param alpha tells phases that can be judged from those that only a few trials strayed into
 * @param roundOf null: trials of the two sides do not belong together
 */
export function pairFigures(
  base: readonly PlannedTrials[],
  head: readonly PlannedTrials[],
  patterns: readonly string[],
  alpha: number,
  roundOf: RoundOf | null = null,
): PairedFigures {
  const headByKey = new Map(head.map((planned) => [planned.key, planned]));
  const baseKeys = new Set(base.map(({ key }) => key));
  const pairs: FigurePair[] = [];
  const unmatched: Unmatched[] = [];
  for (const planned of base) {
    const other = headByKey.get(planned.key);
    if (other === undefined) {
      if (selectsAny(planned, patterns)) unmatched.push(lost(planned, "base"));
      continue;
    }
    const phases = commonPhases(planned, other, alpha);
    for (const { one, two } of phases) {
      const found = pairVariant(one, two, patterns, roundOf);
      pairs.push(...found.pairs);
      unmatched.push(...found.unmatched);
    }
    if (phases.length === 0 && (selectsAny(planned, patterns) || selectsAny(other, patterns))) {
      const only = planned.phases.length > 0 ? "base" : "head";
      const both = planned.phases.length > 0 === other.phases.length > 0;
      unmatched.push(lost({ ...planned, unused: planned.unused + other.unused }, both ? "both" : only));
    }
  }
  for (const planned of head) {
    if (!baseKeys.has(planned.key) && selectsAny(planned, patterns)) unmatched.push(lost(planned, "head"));
  }
  return { pairs, unmatched };
}

function lost({ variant, unused }: PlannedTrials, side: Unmatched["side"]): Unmatched {
  return { variant, figure: null, side, unused };
}

/** Trials that none could be used of count as if they had what is selected: nobody can tell. */
function selectsAny({ phases }: PlannedTrials, patterns: readonly string[]): boolean {
  return phases.length === 0 || phases.some(({ trials }) => figuresOf(trials, patterns).size > 0);
}

interface CommonPhase {
  readonly one: VariantTrials;
  readonly two: VariantTrials;
}

/** A phase that a few trials strayed into decides nothing where another of the same plan can. */
function commonPhases(base: PlannedTrials, head: PlannedTrials, alpha: number): CommonPhase[] {
  const common = base.phases.flatMap((one) => {
    const two = head.phases.find(({ key }) => key === one.key);
    return two === undefined ? [] : [{ one, two }];
  });
  const decidable = common.filter(({ one, two }) => smallestP(one.trials.length, two.trials.length) <= alpha);
  return decidable.length > 0 ? decidable : common;
}

function pairVariant(
  base: VariantTrials,
  head: VariantTrials,
  patterns: readonly string[],
  roundOf: RoundOf | null,
): PairedFigures {
  const inBase = figuresOf(base.trials, patterns);
  const inHead = figuresOf(head.trials, patterns);
  const pairs: FigurePair[] = [];
  const unmatched: Unmatched[] = [];
  for (const [name, figure] of new Map([...inBase, ...inHead])) {
    const [one, two] = [inBase.get(name), inHead.get(name)];
    const { variant } = base;
    if (one === undefined || two === undefined) {
      const { metric, figure: which } = figure;
      const side = one === undefined ? "head" : "base";
      unmatched.push({ variant, figure: { metric, figure: which }, side, unused: 0 });
      continue;
    }
    const { values: baseValues, trials: baseTrials, ...rest } = one;
    const rounds = roundOf === null ? null : { base: baseTrials.map(roundOf), head: two.trials.map(roundOf) };
    pairs.push({ ...rest, variant, base: baseValues, head: two.values, rounds });
  }
  return { pairs, unmatched };
}

interface Sample extends MetricFigure, Pick<FigurePair, "unit" | "direction"> {
  /** A value of each of the trials. */
  readonly values: number[];
  readonly trials: Trial[];
}

/** Of every selected figure its values, a trial each. */
function figuresOf(trials: readonly Trial[], patterns: readonly string[]): Map<string, Sample> {
  const samples = new Map<string, Sample>();
  for (const trial of trials) {
    for (const [name, metric] of Object.entries(trial.metrics)) {
      for (const figure of selectedFigures(patterns, name, metric)) {
        const key = `${name}:${FIGURES.indexOf(figure)}`;
        const { unit, direction } = metric;
        const sample = samples.get(key) ?? { metric: name, figure, unit, direction, values: [], trials: [] };
        samples.set(key, sample);
        sample.values.push(metric[figure] ?? Number.NaN);
        sample.trials.push(trial);
      }
    }
  }
  return samples;
}
