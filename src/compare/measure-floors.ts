/**
 * The noise floor from A/A runs: how far two samples of the same thing lie apart. Two sources, and the larger counts. Chance: pairs of
 * samples drawn at random from all trials (without putting any back, as two runs share no trial), and that in bootstrap resamples of
 * the trials, since few trials may by luck lie closer together than the machine's do. Time: whole runs against each other, which
 * differ also by what the machine was doing, and by where files and memory came to lie.
 */
import { quantile } from "../measure/quantile.js";
import type { NoiseFloorRecord } from "../results/calibration.js";
import type { Result, Trial } from "../results/schema.js";
import { FIGURES, type Figure } from "./metric-figures.js";
import { ratioOf } from "./ratio-interval.js";
import { ratioScale } from "./ratio-scale.js";
import { seededRandom } from "./seeded-random.js";
import { plannedTrials, type VariantTrials } from "./variants.js";

export interface FloorOptions {
  /** Trials of each sample, as a comparison will have them. */
  readonly trialsPerSide: number;
  /** Share of A/A changes that stay below the floor. */
  readonly quantile: number;
  /** How surely they do, as far as so few trials can tell. */
  readonly confidence: number;
  /** Of all trials, with replacement: how else the runs might have come out. */
  readonly resamples: number;
  /** Pairs of samples drawn from each resample. */
  readonly draws: number;
  readonly seed: number;
}

/**
 * 99 %: comparisons of nothing with nothing pass a floor once in a hundred times by size alone, and real changes of one and a half
 * times the floor are found by size nine times in ten.
 */
export const FLOOR_SAMPLING = {
  quantile: 0.99,
  confidence: 0.95,
  resamples: 40,
  draws: 400,
  seed: 1,
} as const;

/** With fewer a side no comparison could show anything, and a floor would be one of chance. */
export const LEAST_TRIALS_PER_SIDE = 5;

/** One variant's trials of all runs. */
interface Pool {
  readonly variant: VariantTrials["variant"];
  /** By run. */
  readonly runs: readonly (readonly Trial[])[];
}

/** @returns a floor for each figure of each variant that has enough trials */
export function measureFloors(
  runs: readonly Pick<Result, "trials">[],
  options: FloorOptions,
): NoiseFloorRecord[] {
  return poolsOf(runs).flatMap((pool) => {
    const trials = pool.runs.flat().length;
    const trialsPerSide = Math.min(options.trialsPerSide, Math.floor(trials / 2));
    if (trialsPerSide < LEAST_TRIALS_PER_SIDE) return [];
    const resamples = drawnPairs(trials, trialsPerSide, options);
    return figuresOf(pool).flatMap(({ metric, figure, values }) => {
      // A figure that only some trials have is no sample of the variant.
      if (values.flat().some((value) => value === undefined)) return [];
      const known = values as number[][];
      const all = known.flat();
      const within = upperBound(all, resamples, options);
      const between = betweenRuns(known);
      if (!Number.isFinite(within) || !Number.isFinite(between)) return [];
      const { suite, phase, labels } = pool.variant;
      return [
        {
          ...{ suite, phase, labels, metric, figure, trials, trialsPerSide },
          withinPercent: percentOf(within),
          betweenRunsPercent: percentOf(between),
          floorPercent: percentOf(Math.max(within, between)),
        },
      ];
    });
  });
}

function poolsOf(runs: readonly Pick<Result, "trials">[]): Pool[] {
  const pools = new Map<string, { variant: VariantTrials["variant"]; runs: Trial[][] }>();
  runs.forEach((result, run) => {
    for (const { key, variant, trials } of plannedTrials(result).flatMap(({ phases }) => phases)) {
      const pool = pools.get(key) ?? { variant, runs: runs.map(() => []) };
      pools.set(key, pool);
      pool.runs[run]?.push(...trials);
    }
  });
  return [...pools.values()];
}

interface FigureValues {
  readonly metric: string;
  readonly figure: Figure;
  /** By run and trial, on the scale on which ratios are taken. */
  readonly values: readonly (readonly (number | undefined)[])[];
}

function figuresOf({ runs }: Pool): FigureValues[] {
  const [sample] = runs.flat();
  return Object.entries(sample?.metrics ?? {}).flatMap(([metric, { unit }]) =>
    FIGURES.filter((figure) => sample?.metrics[metric]?.[figure] !== undefined).map((figure) => ({
      metric,
      figure,
      values: runs.map((trials) =>
        trials.map(({ metrics }) => {
          const value = metrics[metric]?.[figure];
          return value === undefined ? undefined : ratioScale(unit, value);
        }),
      ),
    })),
  );
}

/** Places of two samples among all trials. */
interface DrawnPair {
  readonly one: Uint32Array;
  readonly other: Uint32Array;
}

/** By resample and draw. */
function drawnPairs(
  trials: number,
  trialsPerSide: number,
  { resamples, draws, seed }: FloorOptions,
): DrawnPair[][] {
  const random = seededRandom(seed);
  return Array.from({ length: resamples }, () => {
    const order = Uint32Array.from({ length: trials }, () => random(trials));
    return Array.from({ length: draws }, () => {
      for (let place = 0; place < 2 * trialsPerSide; place++) {
        const from = place + random(trials - place);
        const drawn = order[from] ?? 0;
        order[from] = order[place] ?? 0;
        order[place] = drawn;
      }
      return { one: order.slice(0, trialsPerSide), other: order.slice(trialsPerSide, 2 * trialsPerSide) };
    });
  });
}

/** The quantile of changes in each resample, and of these the bound that the true one stays below with this confidence. */
function upperBound(
  values: readonly number[],
  resamples: readonly (readonly DrawnPair[])[],
  { quantile: share, confidence }: FloorOptions,
): number {
  const quantiles = resamples.map((pairs) =>
    quantile(Float64Array.from(pairs, (pair) => changeOf(values, pair)).sort(), share),
  );
  return quantile(Float64Array.from(quantiles).sort(), confidence);
}

function changeOf(values: readonly number[], { one, other }: DrawnPair): number {
  return distance(medianAt(values, one), medianAt(values, other));
}

/** Drawn by the million: one piece of memory for all. */
const scratch = new Float64Array(2048);

function medianAt(values: readonly number[], places: Uint32Array): number {
  const drawn =
    places.length <= scratch.length ? scratch.subarray(0, places.length) : new Float64Array(places.length);
  for (let index = 0; index < places.length; index++) drawn[index] = values[places[index] ?? 0] ?? Number.NaN;
  return quantile(drawn.sort(), 0.5);
}

/** The largest change between two runs; runs of too few trials say nothing. */
function betweenRuns(values: readonly (readonly number[])[]): number {
  const medians = values
    .filter((run) => run.length >= LEAST_TRIALS_PER_SIDE)
    .map((run) => quantile(Float64Array.from(run).sort(), 0.5));
  return medians.length < 2 ? 0 : distance(Math.min(...medians), Math.max(...medians));
}

/** Of two medians the logarithm of their ratio, without its sign: as far up as down. */
function distance(one: number, other: number): number {
  return Math.abs(Math.log(ratioOf(one, other)));
}

function percentOf(logRatio: number): number {
  return 100 * Math.expm1(logRatio);
}
