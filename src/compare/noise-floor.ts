/** The change that this machine shows by itself, for each figure: measured by `calibrate`, or assumed where nobody has. */
import type { Calibration } from "../results/calibration.js";
import type { Figure, MetricFigure } from "./metric-figures.js";
import { type Variant, variantKey } from "./variants.js";

export interface NoiseFloor {
  readonly percent: number;
  /**
   * measured: for this very variant. otherVariant: the largest that was measured for this figure. assumed: nothing was measured.
   * threshold: the user's own, where it is larger or nothing was measured. paired: of trials by turns, in which drift cancels.
   */
  readonly from: "measured" | "otherVariant" | "assumed" | "threshold" | "paired";
}

/** Of a machine that nobody has measured: larger than most, so that a shared one does not cry wolf. */
const ASSUMED_PERCENT: Readonly<Record<Figure, number>> = {
  value: 10,
  mean: 10,
  p50: 10,
  p90: 20,
  p99: 30,
  p999: 50,
  max: 100,
};

/**
 * What a change has to exceed where both sides ran by turns. Chance is the test's business and drift has cancelled; what is left is
 * how code and data come to lie in memory, which moves a program by a percent or two though nothing of it has changed (Mytkowicz et
 * al. 2009, "Producing wrong data without doing anything obviously wrong").
 */
const PAIRED_PERCENT = 2;

/** @param machine its floor for results that were measured one after another */
export function pairedFloor(machine: NoiseFloor, thresholdPercent: number | null): NoiseFloor {
  const percent = thresholdPercent ?? PAIRED_PERCENT;
  return percent < machine.percent ? { percent, from: "paired" } : machine;
}

export function noiseFloor(
  calibration: Pick<Calibration, "floors"> | null,
  variant: Variant,
  { metric, figure }: MetricFigure,
  thresholdPercent: number | null,
): NoiseFloor {
  const measured = measuredFloor(calibration, variant, metric, figure);
  if (thresholdPercent !== null && thresholdPercent >= (measured?.percent ?? 0))
    return { percent: thresholdPercent, from: "threshold" };
  return measured ?? { percent: ASSUMED_PERCENT[figure], from: "assumed" };
}

function measuredFloor(
  calibration: Pick<Calibration, "floors"> | null,
  variant: Variant,
  metric: string,
  figure: Figure,
): NoiseFloor | null {
  const floors =
    calibration?.floors.filter((floor) => floor.metric === metric && floor.figure === figure) ?? [];
  const key = variantKey(variant);
  const own = floors.find((floor) => variantKey(floor) === key);
  if (own !== undefined) return { percent: own.floorPercent, from: "measured" };
  if (floors.length === 0) return null;
  return { percent: Math.max(...floors.map(({ floorPercent }) => floorPercent)), from: "otherVariant" };
}
