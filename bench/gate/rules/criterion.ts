/**
 * criterion.rs as its book has it ("Analysis Process", Comparison; `significance_level` 0.05, `noise_threshold` 0.01, `confidence_level`
 * 0.95): a t test whose distribution is bootstrapped from both samples thrown together, and where that is significant, the bootstrap
 * interval of the relative change of means has to lie beyond the threshold. With 1,000 resamples instead of its 100,000.
 */
import { seededRandom } from "../../../src/compare/seeded-random.js";
import { quantile } from "../../../src/measure/quantile.js";
import { type Rule, worseOrBetter } from "./rule.js";

const SIGNIFICANCE = 0.05;
const NOISE_THRESHOLD = 0.01;
const CONFIDENCE = 0.95;
const RESAMPLES = 1000;

export function criterionRule(seed = 1): Rule {
  const random = seededRandom(seed);
  return {
    name: "criterion",
    source: "https://bheisler.github.io/criterion.rs/book/analysis.html",
    judge: (pairs) =>
      pairs.map((pair) => {
        if (!isSignificant(pair.base, pair.head, random)) return null;
        const { low, high } = changeInterval(pair.base, pair.head, random);
        if (low > NOISE_THRESHOLD) return worseOrBetter(pair, true);
        return high < -NOISE_THRESHOLD ? worseOrBetter(pair, false) : null;
      }),
  };
}

type Random = (limit: number) => number;

/** Two-sided: whether fewer resamples of the pooled values, cut into two, have a t as far out. No more are drawn than decide it. */
function isSignificant(base: readonly number[], head: readonly number[], random: Random): boolean {
  const observed = Math.abs(welchT(base, head));
  const pooled = [...base, ...head];
  let further = 0;
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const t = welchT(drawn(pooled, base.length, random), drawn(pooled, head.length, random));
    if (!(Math.abs(t) < observed) && ++further >= SIGNIFICANCE * RESAMPLES) return false;
  }
  return true;
}

function changeInterval(
  base: readonly number[],
  head: readonly number[],
  random: Random,
): { readonly low: number; readonly high: number } {
  const changes = Float64Array.from(
    { length: RESAMPLES },
    () => meanOf(drawn(head, head.length, random)) / meanOf(drawn(base, base.length, random)) - 1,
  ).sort();
  const tail = (1 - CONFIDENCE) / 2;
  return { low: quantile(changes, tail), high: quantile(changes, 1 - tail) };
}

function drawn(values: readonly number[], count: number, random: Random): Float64Array {
  const result = new Float64Array(count);
  for (let index = 0; index < count; index++) result[index] = values[random(values.length)] ?? 0;
  return result;
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] ?? 0;
  return sum / values.length;
}

/** Difference of means over its standard error. */
function welchT(one: ArrayLike<number>, other: ArrayLike<number>): number {
  const [a, b] = [meanOf(one), meanOf(other)];
  const error = squares(one, a) / (one.length - 1) / one.length;
  const otherError = squares(other, b) / (other.length - 1) / other.length;
  return (b - a) / Math.sqrt(error + otherError);
}

function squares(values: ArrayLike<number>, mean: number): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += ((values[index] ?? 0) - mean) ** 2;
  return sum;
}
