/** One figure of one variant on both sides: medians, change, evidence, verdict. */
import { SlotmarkError } from "../errors.js";
import { medianInterval } from "../measure/median-interval.js";
import { median } from "../measure/quantile.js";
import type { Calibration } from "../results/calibration.js";
import { type FigureEvidence, figureEvidence } from "./figure-evidence.js";
import { holm } from "./holm.js";
import { figureName, type MetricFigure } from "./metric-figures.js";
import { type NoiseFloor, noiseFloor, pairedFloor } from "./noise-floor.js";
import type { FigurePair } from "./paired-figures.js";
import type { RatioInterval } from "./ratio-interval.js";
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
  /**
   * Head ÷ base, of medians or, where trials are paired by round, within the rounds; of a metric in percent, of what these percents
   * are added to (1 + percent ÷ 100).
   */
  readonly interval: RatioInterval;
  /** Rounds that were compared in pairs; null: all trials of one side with all of the other. */
  readonly rounds: number | null;
  readonly p: number;
  readonly adjustedP: number;
  readonly method: FigureEvidence["method"];
  /** Smaller changes do not count. */
  readonly floor: NoiseFloor;
  /** The machine's own, which `unchanged` goes by: where drift cancels, smaller changes count than the machine shows by itself. */
  readonly machineFloor: NoiseFloor;
}

export interface JudgeOptions {
  readonly alpha: number;
  /** Of the intervals of changes; 0.95 where nothing is said. */
  readonly confidence?: number;
  readonly thresholdPercent: number | null;
  readonly calibration: Pick<Calibration, "floors"> | null;
}

/** @throws SlotmarkError `metric-negative` (input) */
export function judgeFigures(pairs: readonly FigurePair[], options: JudgeOptions): ComparedFigure[] {
  const { alpha, confidence = 0.95, calibration, thresholdPercent } = options;
  const hypotheses = pairs.length;
  const evidences = pairs.map((pair) =>
    figureEvidence(ratiosOf(pair, pair.base), ratiosOf(pair, pair.head), pair.rounds, {
      hypotheses,
      alpha,
      confidence,
    }),
  );
  const adjusted = holm(evidences.map(({ p }) => p));
  return evidences.map((evidence, index) => {
    const pair = pairs[index] as FigurePair;
    const { variant, metric, figure, unit, direction } = pair;
    const adjustedP = adjusted[index] ?? 1;
    const machineFloor = noiseFloor(calibration, variant, pair, thresholdPercent);
    const floor = evidence.rounds === null ? machineFloor : pairedFloor(machineFloor, thresholdPercent);
    const { rounds, p, method, interval } = evidence;
    const judgement = judge({
      ...evidence,
      direction,
      adjustedP,
      hypotheses,
      floorPercent: floor.percent,
      machineFloorPercent: machineFloor.percent,
      alpha,
    });
    return {
      ...{ variant, metric, figure, unit, direction },
      base: sideOf(pair.base),
      head: sideOf(pair.head),
      ...{ interval, rounds, p, adjustedP, method, floor, machineFloor },
      ...judgement,
    };
  });
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
