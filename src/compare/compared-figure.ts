/** One figure of one variant on both sides: medians, change, evidence, verdict. */
import { SlotmarkError } from "../errors.js";
import { medianInterval } from "../measure/median-interval.js";
import { median } from "../measure/quantile.js";
import type { Calibration } from "../results/calibration.js";
import { holm } from "./holm.js";
import { figureName, type MetricFigure } from "./metric-figures.js";
import { type NoiseFloor, noiseFloor } from "./noise-floor.js";
import type { FigurePair } from "./paired-figures.js";
import { type RankTest, rankTest } from "./rank-test.js";
import { type RatioInterval, ratioInterval } from "./ratio-interval.js";
import { ratioScale } from "./ratio-scale.js";
import type { Variant } from "./variants.js";
import { type Judgement, judge } from "./verdict.js";

export interface FigureSide {
  readonly trials: number;
  readonly median: number;
  /** Of the median, by order statistics. */
  readonly low: number;
  readonly high: number;
  /** What that interval reaches, 0 to 1; few trials cannot give 0.95. */
  readonly confidence: number;
}

export interface ComparedFigure extends MetricFigure, Judgement {
  readonly variant: Variant;
  readonly unit: string;
  readonly direction: "lower" | "higher";
  readonly base: FigureSide;
  readonly head: FigureSide;
  /** Of medians, head ÷ base; of a metric in percent, of what these percents are added to (1 + percent ÷ 100). */
  readonly interval: RatioInterval;
  readonly p: number;
  readonly adjustedP: number;
  readonly method: RankTest["method"];
  readonly floor: NoiseFloor;
}

export interface JudgeOptions {
  readonly alpha: number;
  readonly thresholdPercent: number | null;
  readonly calibration: Pick<Calibration, "floors"> | null;
}

/** @throws SlotmarkError `metric-negative` (input) */
export function judgeFigures(pairs: readonly FigurePair[], options: JudgeOptions): ComparedFigure[] {
  const tests = pairs.map(({ base, head }) => tested(base, head));
  const adjusted = holm(tests.map(({ p }) => p));
  return pairs.map((pair, index) => {
    const test = tests[index] ?? tested(pair.base, pair.head);
    const adjustedP = adjusted[index] ?? 1;
    const { variant, metric, figure, unit, direction } = pair;
    const floor = noiseFloor(options.calibration, variant, pair, options.thresholdPercent);
    const interval = ratioInterval(ratiosOf(pair, pair.base), ratiosOf(pair, pair.head));
    const judgement = judge({
      direction,
      baseTrials: pair.base.length,
      headTrials: pair.head.length,
      test,
      adjustedP,
      hypotheses: pairs.length,
      interval,
      floorPercent: floor.percent,
      alpha: options.alpha,
    });
    return {
      variant,
      metric,
      figure,
      unit,
      direction,
      base: sideOf(pair.base),
      head: sideOf(pair.head),
      interval,
      p: test.p,
      adjustedP,
      method: test.method,
      floor,
      ...judgement,
    };
  });
}

function tested(base: readonly number[], head: readonly number[]): RankTest {
  const test = rankTest(base, head);
  if (test === null) throw new Error("a figure that is compared has trials on both sides");
  return test;
}

function sideOf(values: readonly number[]): FigureSide {
  const interval = medianInterval(values);
  return {
    trials: values.length,
    median: median(values),
    low: interval?.low ?? Number.NaN,
    high: interval?.high ?? Number.NaN,
    confidence: interval?.confidence ?? 0,
  };
}

function ratiosOf(pair: FigurePair, values: readonly number[]): number[] {
  return values.map((value) => {
    const scaled = ratioScale(pair.unit, value);
    if (scaled >= 0) return scaled;
    throw new SlotmarkError(
      "input",
      "metric-negative",
      `${figureName(pair)} is ${value} ${pair.unit} in a trial of ${pair.variant.suite}: a figure below zero has no ratio`,
      "Leave it out of --metric.",
    );
  });
}
