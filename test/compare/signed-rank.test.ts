import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { leastRounds, logRatios, smallestPairedP } from "../../src/compare/paired-rounds.js";
import { shiftInterval, signedRankTest } from "../../src/compare/signed-rank.js";

const near = (actual: number, expected: number, what?: string) =>
  assert.ok(Math.abs(actual - expected) <= 1e-9, `${what ?? ""} ${actual} ${expected}`);

test("Darwin's plants, as the documentation of scipy.stats.wilcoxon gives them", () => {
  const heights = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75];
  const { rankSum, p, higher, method } = signedRankTest(heights);
  assert.equal(rankSum, 96);
  near(p, 0.041259765625);
  near(higher, 0.0206298828125);
  assert.equal(method, "exact");
});

test("depression under a tranquilizer, as R's example of wilcox.test gives it (Hollander and Wolfe 1973, p. 29)", () => {
  const x = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
  const y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  const { rankSum, higher } = signedRankTest(x.map((value, index) => value - (y[index] ?? 0)));
  assert.equal(rankSum, 40);
  near(higher, 0.01953125);
});

/** All 2ⁿ choices of signs, one by one, over midranks that are counted naively. */
function enumerated(differences: readonly number[]): { lower: number; higher: number } {
  const sizes = differences.filter((one) => one !== 0);
  const ranks = sizes.map(
    (one) =>
      sizes.filter((other) => Math.abs(other) < Math.abs(one)).length +
      (sizes.filter((other) => Math.abs(other) === Math.abs(one)).length + 1) / 2,
  );
  const observed = ranks.reduce((sum, rank, index) => sum + ((sizes[index] ?? 0) > 0 ? rank : 0), 0);
  let [lower, higher] = [0, 0];
  for (let signs = 0; signs < 2 ** sizes.length; signs++) {
    const sum = ranks.reduce((all, rank, index) => all + ((signs >> index) & 1 ? rank : 0), 0);
    if (sum <= observed) lower++;
    if (sum >= observed) higher++;
  }
  return { lower: lower / 2 ** sizes.length, higher: higher / 2 ** sizes.length };
}

test("with ties and zeros: what enumerating all signs gives", () => {
  const differences = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 0, maxLength: 10 });
  fc.assert(
    fc.property(differences, (values) => {
      const { lower, higher, p } = signedRankTest(values);
      const expected = enumerated(values);
      near(lower, expected.lower);
      near(higher, expected.higher);
      near(p, Math.min(1, 2 * Math.min(expected.lower, expected.higher)));
    }),
  );
});

test("where counting ends the normal approximation goes on", () => {
  const values = (count: number) =>
    Array.from({ length: count }, (_, index) => Math.sin(index * 12.9898) + 0.1);
  const [counted, approximated] = [signedRankTest(values(300)), signedRankTest(values(301))];
  assert.deepEqual([counted.method, approximated.method], ["exact", "normal"]);
  assert.ok(Math.abs(counted.p - approximated.p) < 0.02, `${counted.p} ${approximated.p}`);
});

test("the interval holds just the shifts that the test does not refute", () => {
  const differences = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 6, maxLength: 14 });
  fc.assert(
    fc.property(differences, (values) => {
      const { shift, low, high } = shiftInterval(values);
      assert.ok(low <= shift && shift <= high);
      const p = (by: number) => signedRankTest(values.map((value) => value - by)).p;
      // Means of two whole numbers are halves: a quarter beyond is beyond that mean alone, and no difference becomes zero or tied.
      const tied = (by: number) => new Set(values.map((value) => Math.abs(value - by))).size < values.length;
      for (const [inside, outside] of [
        [low + 1 / 8, low - 1 / 8],
        [high - 1 / 8, high + 1 / 8],
      ] as const) {
        if (tied(inside) || tied(outside)) continue;
        assert.ok(p(outside) <= 0.05, `outside ${outside}: ${p(outside)}`);
        assert.ok(low === high || p(inside) > 0.05, `inside ${inside}: ${p(inside)}`);
      }
    }),
  );
});

test("few pairs bound nothing at 95 %: five cannot, six can", () => {
  assert.deepEqual(shiftInterval([1, 2, 3, 4, 5]), {
    shift: 3,
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
  });
  const { low, high } = shiftInterval([1, 2, 3, 4, 5, 6]);
  assert.deepEqual([low, high], [1, 6]);
});

test("the interval covers what it should, of skewed and drifting differences as well", () => {
  let state = 7;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  let covered = 0;
  const runs = 2000;
  for (let run = 0; run < runs; run++) {
    // Either side first by a coin: what drifts is on either side alike.
    const values = Array.from({ length: 12 }, (_, round) => {
      const drift = 0.1 * round + (random() < 0.1 ? 5 : 0) * random();
      return 0.3 + (random() < 0.5 ? 1 : -1) * (drift + random());
    });
    const { low, high } = shiftInterval(values);
    if (low <= 0.3 && high >= 0.3) covered++;
  }
  // 95 % at least; 2,000 runs scatter by half a percent.
  assert.ok(covered / runs > 0.935, String(covered / runs));
});

test("ratios are taken within rounds, of rounds that both have", () => {
  const values = (...pairs: [number, number][]) => pairs.map(([round, value]) => ({ round, value }));
  assert.deepEqual(logRatios(values([1, 2], [2, 4], [3, 1]), values([2, 8], [1, 2], [4, 9])), [
    0,
    Math.log(2),
  ]);
  assert.deepEqual(logRatios(values([1, 1], [1, 3]), values([1, 4])), [Math.log(2)]);
  assert.equal(logRatios(values([1, 0]), values([1, 3])), null);
  assert.deepEqual(logRatios(values([1, 0]), values([1, 0])), [0]);
});

test("so many rounds leave room for a round that goes the other way by chance", () => {
  assert.equal(smallestPairedP(12), 2 / 4096);
  for (const hypotheses of [1, 4, 14, 60]) {
    const n = leastRounds(hypotheses, 0.01);
    const clear = Array.from({ length: n }, (_, index) => (index === 2 ? -1 : 1) * (index + 1));
    assert.ok(signedRankTest(clear).p <= 0.01 / hypotheses, `${hypotheses}: ${n}`);
    assert.ok(
      signedRankTest(clear.slice(0, -1)).p > 0.005 / hypotheses,
      `${hypotheses}: no more than needed`,
    );
  }
});
