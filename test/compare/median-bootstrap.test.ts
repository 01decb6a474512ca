import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { median as medianOf } from "simple-statistics";
import { bootstrapMedian } from "../../src/compare/median-bootstrap.js";
import { ratioInterval } from "../../src/compare/ratio-interval.js";

/** All nⁿ resamples, one by one. */
function enumerated(sample: readonly number[]): Map<number, number> {
  const n = sample.length;
  const counts = new Map<number, number>();
  for (let code = 0; code < n ** n; code++) {
    const drawn = Array.from({ length: n }, (_, place) => sample[Math.floor(code / n ** place) % n] ?? 0);
    const value = medianOf(drawn);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return new Map([...counts].sort(([a], [b]) => a - b).map(([value, count]) => [value, count / n ** n]));
}

test("is the distribution over all resamples", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }), (sample) => {
      const { values, weights } = bootstrapMedian(sample);
      const expected = enumerated(sample);
      assert.deepEqual([...values], [...expected.keys()]);
      weights.forEach((weight, index) => {
        assert.ok(Math.abs(weight - (expected.get(values[index] ?? -1) ?? 0)) < 1e-12);
      });
    }),
    { numRuns: 40 },
  );
});

test("adds up to 1 for hundreds of values", () => {
  for (const n of [99, 100, 1201, 1400]) {
    const { values, weights } = bootstrapMedian(Array.from({ length: n }, (_, index) => index));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9, `${n}: ${sum}`);
    assert.ok(weights.every((weight) => weight > 0) && values.length > 50);
  }
});

const positive = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

/** The smallest ratio reached with probability `fraction`, over all pairs of medians. */
function quantileOfPairs(base: readonly number[], head: readonly number[], fraction: number): number {
  const pairs = [...enumerated(base)].flatMap(([b, weightB]) =>
    [...enumerated(head)].map(([h, weightH]) => ({ ratio: h / b, weight: weightB * weightH })),
  );
  pairs.sort((a, b) => a.ratio - b.ratio);
  let sum = 0;
  for (const { ratio, weight } of pairs) {
    sum += weight;
    if (sum >= fraction - 1e-12) return ratio;
  }
  return Number.NaN;
}

test("the ratio's interval has the quantiles of all pairs of resamples", () => {
  fc.assert(
    fc.property(positive, positive, (base, head) => {
      const { ratio, low, high } = ratioInterval(base, head, 0.9);
      assert.equal(ratio, medianOf(head) / medianOf(base));
      for (const [found, fraction] of [
        [low, 0.05],
        [high, 0.95],
      ] as const) {
        const expected = quantileOfPairs(base, head, fraction);
        assert.ok(Math.abs(found / expected - 1) < 1e-9, `${fraction}: ${found}, not ${expected}`);
      }
    }),
    { numRuns: 60 },
  );
});

test("equal values give exactly 1, zeros no NaN", () => {
  assert.deepEqual(ratioInterval([7, 7, 7], [7, 7, 7, 7]), { ratio: 1, low: 1, high: 1, confidence: 0.95 });
  assert.deepEqual(ratioInterval([0, 0], [0, 0]), { ratio: 1, low: 1, high: 1, confidence: 0.95 });
  const risen = ratioInterval([0, 0, 0], [1, 2, 3]);
  assert.deepEqual([risen.ratio, risen.low, risen.high], [Infinity, Infinity, Infinity]);
  const fallen = ratioInterval([1, 2, 3], [0, 0, 0]);
  assert.deepEqual([fallen.ratio, fallen.low, fallen.high], [0, 0, 0]);
  assert.equal(ratioInterval([0, 0, 1], [0, 0, 1]).ratio, 1);
});
