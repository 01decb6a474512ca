/** The change that this machine shows by itself, for each figure: measured by `calibrate`, or assumed where nobody has. */
import type { Calibration } from "../results/calibration.js";
import type { Figure, MetricFigure } from "./metric-figures.js";
import { type Variant, variantKey } from "./variants.js";

export interface NoiseFloor {
  readonly percent: number;
  /**
   * measured: for this very variant. otherVariant: the largest that was measured for this figure. assumed: nothing was measured.
   * threshold: the user's own, where it is larger or nothing was measured.
   */
  readonly from: "measured" | "otherVariant" | "assumed" | "threshold";
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
