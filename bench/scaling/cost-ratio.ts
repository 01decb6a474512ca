/** The cost of a write in one configuration by that in another, from samples taken in turn, and whether it is low enough. */
import { type MedianInterval, medianInterval } from "../../src/measure/median-interval.js";
import { type Quartiles, quartiles } from "../quartiles.js";

export interface CostRatio {
  /** Microseconds a write, whole cluster. */
  readonly microseconds: { readonly base: Quartiles; readonly scaled: Quartiles };
  readonly ratio: MedianInterval;
  readonly limit: number;
  readonly reached: boolean;
}

/** @param samples pairs of nanoseconds a write: base, scaled */
export function costRatio(samples: readonly (readonly number[])[], limit: number): CostRatio {
  const pairs = samples.map(([base = Number.NaN, scaled = Number.NaN]) => ({ base, scaled }));
  const ratio = medianInterval(pairs.map(({ base, scaled }) => scaled / base));
  if (ratio === null) throw new Error("no samples");
  const microseconds = (of: "base" | "scaled") => quartiles(pairs.map((pair) => pair[of] / 1000));
  return {
    microseconds: { base: microseconds("base"), scaled: microseconds("scaled") },
    ratio,
    limit,
    reached: ratio.median <= limit,
  };
}
