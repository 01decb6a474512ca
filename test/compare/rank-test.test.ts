import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { wilcoxonRankSum } from "simple-statistics";
import { leastTrials, smallestP } from "../../src/compare/least-trials.js";
import { normalUpperQuantile, normalUpperTail } from "../../src/compare/normal-distribution.js";
import { type RankTest, rankTest } from "../../src/compare/rank-test.js";
import { REPOSITORY } from "../cli/run-slotmark.js";

interface Published {
  readonly first: number[];
  readonly second: number[];
  readonly u: number;
  readonly p: number;
  readonly lower: number;
  readonly higher: number;
}

/** By scipy 1.17.1: mannwhitneyu, and for ties permutation_test over all splits. */
const SCIPY: {
  readonly exact: Published[];
  readonly ties: Published[];
  readonly normal: Published[];
  readonly tail: [number, number][];
} = JSON.parse(readFileSync(join(REPOSITORY, "test/compare/scipy-rank-tests.json"), "utf8"));

function near(found: number | undefined, expected: number, what: string): void {
  assert.ok(found !== undefined && Math.abs(found - expected) <= 1e-9, `${what}: ${found}, not ${expected}`);
}

function tested(first: readonly number[], second: readonly number[]): RankTest {
  const result = rankTest(first, second);
  assert.ok(result !== null);
  return result;
}

for (const [kind, method] of [
  ["exact", "exact"],
  ["ties", "exactTies"],
  ["normal", "normal"],
] as const) {
  test(`agrees with scipy to 1e-9: ${method}`, () => {
    for (const { first, second, ...expected } of SCIPY[kind]) {
      const found = tested(first, second);
      assert.equal(found.method, method);
      for (const figure of ["u", "p", "lower", "higher"] as const) {
        near(found[figure], expected[figure], `${figure} of ${first.length} and ${second.length}`);
      }
    }
  });
}

test("the example of R's wilcox.test (Hollander and Wolfe 1973, p. 69): W = 35, p = 0.1272 one-sided", () => {
  const at0 = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const at12 = [1.15, 0.88, 0.9, 0.74, 1.21];
  const { u, higher } = tested(at0, at12);
  assert.equal(u, 35);
  // C(15, 5) = 3003 splits, of which 382 give 35 or more.
  near(higher, 382 / 3003, "p");
  assert.equal(higher.toFixed(4), "0.1272");
});

test("the example of scipy's manual: U = 17, p = 1/9", () => {
  const { u, p } = tested([19, 22, 16, 29, 24], [20, 11, 17, 12]);
  assert.equal(u, 17);
  near(p, 1 / 9, "p");
});

/** Critical values of the two-sided test as printed in tables (Conover 1999, table A7; Siegel and Castellan, table J). */
for (const [alpha, n, m, critical] of [
  [0.05, 5, 5, 2],
  [0.05, 8, 8, 13],
  [0.05, 10, 10, 23],
  [0.05, 12, 12, 37],
  [0.05, 20, 20, 127],
  [0.01, 5, 5, 0],
  [0.01, 8, 8, 7],
  [0.01, 10, 10, 16],
  [0.01, 12, 12, 27],
  [0.01, 20, 20, 105],
] as const) {
  test(`printed critical value: ${n} and ${m} at ${alpha} is U = ${critical}`, () => {
    const withU = (u: number) => {
      // The largest of the first sample stands above as many of the second as make up U.
      const second = Array.from({ length: m }, (_, index) => index + 1);
      const whole = Math.floor(u / m);
      const first = Array.from({ length: n }, (_, index) =>
        index < whole ? m + 1 + index / 100 : index === whole ? (u % m) + 0.5 : 0.01 * (index + 1),
      );
      const result = tested(first, second);
      assert.equal(result.u, u);
      return result.p;
    };
    assert.ok(withU(critical) <= alpha);
    assert.ok(withU(critical + 1) > alpha);
  });
}

const sample = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 7 });

/** Every split by brute force. */
function tailsByEnumeration(first: readonly number[], second: readonly number[]): [number, number] {
  const pooled = [...first, ...second];
  const uOf = (members: readonly number[], others: readonly number[]) =>
    members.reduce(
      (sum, a) => sum + others.reduce((inner, b) => inner + (a > b ? 1 : a === b ? 0.5 : 0), 0),
      0,
    );
  const observed = uOf(first, second);
  let all = 0;
  let lower = 0;
  let higher = 0;
  for (let mask = 0; mask < 1 << pooled.length; mask++) {
    const members = pooled.filter((_, index) => mask & (1 << index));
    if (members.length !== first.length) continue;
    const u = uOf(
      members,
      pooled.filter((_, index) => !(mask & (1 << index))),
    );
    all++;
    if (u <= observed) lower++;
    if (u >= observed) higher++;
  }
  return [lower / all, higher / all];
}

test("agrees with the enumeration of all splits, and U with simple-statistics' rank sum", () => {
  fc.assert(
    fc.property(sample, sample, (first, second) => {
      const found = tested(first, second);
      const [lower, higher] = tailsByEnumeration(first, second);
      near(found.lower, lower, "lower");
      near(found.higher, higher, "higher");
      near(found.u, wilcoxonRankSum(first, second) - (first.length * (first.length + 1)) / 2, "U");
    }),
    { numRuns: 150 },
  );
});

test("only the order counts, and the sides are each other's mirror", () => {
  fc.assert(
    fc.property(sample, sample, (first, second) => {
      const one = tested(first, second);
      const scaled = tested(
        first.map((value) => Math.exp(value)),
        second.map((value) => Math.exp(value)),
      );
      assert.deepEqual(scaled, one);
      const mirrored = tested(second, first);
      near(mirrored.p, one.p, "p");
      near(mirrored.lower, one.higher, "tails");
      near(mirrored.u + one.u, first.length * second.length, "U");
    }),
  );
});

test("no values, no test; nothing but ties shows nothing, however many there are", () => {
  assert.equal(rankTest([], [1]), null);
  assert.equal(tested([1, 1, 1], [1, 1]).p, 1);
  const many = new Array(200).fill(3);
  assert.deepEqual({ ...tested(many, many), u: 0 }, { u: 0, lower: 1, higher: 1, p: 1, method: "normal" });
});

test("the normal tail agrees with scipy relatively, its inverse with the tail", () => {
  for (const [z, expected] of SCIPY.tail) {
    const found = normalUpperTail(z);
    assert.ok(Math.abs(found / expected - 1) < 1e-12, `${z}: ${found}, not ${expected}`);
  }
  for (const tail of [0.5, 0.025, 0.001, 1e-9])
    near(normalUpperTail(normalUpperQuantile(tail)), tail, "tail");
  near(normalUpperQuantile(0.025), 1.959963984540054, "z");
});

test("the smallest p-value is that of samples that lie apart, and decides how many trials are needed", () => {
  for (const [n, m] of [
    [3, 3],
    [4, 9],
    [12, 12],
  ] as const) {
    const low = Array.from({ length: n }, (_, index) => index);
    const high = Array.from({ length: m }, (_, index) => 100 + index);
    near(tested(low, high).p, smallestP(n, m), `${n} and ${m}`);
  }
  // 2 ÷ C(10, 5) = 0.0079 is the first below 0.01; for four tests 2 ÷ C(12, 6) = 0.0022 is below 0.0025.
  assert.equal(leastTrials(1, 0.01), 5);
  assert.equal(leastTrials(4, 0.01), 6);
  assert.equal(leastTrials(4, 0.01, 12), 4);
});
