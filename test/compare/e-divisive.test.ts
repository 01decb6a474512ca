import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changePoints, LEAST_SEGMENT } from "../../src/compare/e-divisive.js";
import { seededRandom } from "../../src/compare/seeded-random.js";

const OPTIONS = { alpha: 0.01, seed: 1 };

/** Yearly flow of the Nile at Aswan, 1871 to 1970 (Cobb 1978): it fell after 1898, when the dam was begun. */
const NILE = [
  1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958,
  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020,
  1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040,
  759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
  744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
];

/** Sums of uniform numbers, about normal. */
function noise(count: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    let sum = 0;
    for (let term = 0; term < 12; term++) sum += random(1e6) / 1e6 - 0.5;
    return sum;
  });
}

test("the Nile's flow changed once in these hundred years, after 1898", () => {
  const found = changePoints(NILE, OPTIONS);
  assert.deepEqual(
    found.map(({ at }) => 1871 + at),
    [1899],
  );
  assert.ok((found[0]?.p ?? 1) <= 0.001);
});

test("every step of several is found, at its place", () => {
  const levels = [100, 110, 104, 120];
  const values = levels.flatMap((level, index) => noise(15, 7 + index).map((one) => level + one));
  assert.deepEqual(
    changePoints(values, OPTIONS).map(({ at }) => at),
    [15, 30, 45],
  );
});

test("a change of spread alone is one, too; a single outlier is none", () => {
  const wider = [...noise(40, 3), ...noise(40, 4).map((one) => 12 * one)];
  const [change] = changePoints(wider, OPTIONS);
  assert.ok(change !== undefined && Math.abs(change.at - 40) <= 6, JSON.stringify(change));
  const outlier = noise(30, 5).map((one, index) => (index === 17 ? 50 : one));
  assert.deepEqual(changePoints(outlier, OPTIONS), []);
});

test("of series without a change no more than alpha show one", () => {
  const alpha = 0.05;
  const series = 400;
  const alarms = Array.from({ length: series }, (_, index) =>
    changePoints(noise(30, 1000 + index), { alpha, seed: index }),
  ).filter((found) => found.length > 0).length;
  // 20 are to be expected; of a binomial distribution 99.9 % lie below 35.
  assert.ok(alarms <= 35, `${alarms} of ${series}`);
  // A test that never alarms would be no test.
  assert.ok(alarms >= 6, `${alarms} of ${series}`);
});

test("the same series gives the same answer, and equal values, short series and reversed ones give what they should", () => {
  assert.deepEqual(changePoints(NILE, OPTIONS), changePoints(NILE, OPTIONS));
  assert.deepEqual(changePoints(new Array(50).fill(7), OPTIONS), []);
  assert.deepEqual(changePoints([1, 1, 1, 9, 9], OPTIONS), []);
  assert.deepEqual(changePoints([], OPTIONS), []);
  assert.deepEqual(
    changePoints(NILE.toReversed(), OPTIONS).map(({ at }) => at),
    [NILE.length - 28],
  );
});

/** The definition, pair by pair. */
function largestSplit(values: readonly number[]): number {
  const mean = (one: readonly number[], other: readonly number[], pairs: number) =>
    one.flatMap((a) => other.map((b) => Math.abs(a - b))).reduce((sum, d) => sum + d, 0) / pairs;
  let best = { at: 0, distance: 0 };
  for (let at = LEAST_SEGMENT; at <= values.length - LEAST_SEGMENT; at++) {
    const [left, right] = [values.slice(0, at), values.slice(at)];
    const [m, r] = [left.length, right.length];
    const energy =
      2 * mean(left, right, m * r) - mean(left, left, m * (m - 1)) - mean(right, right, r * (r - 1));
    const distance = ((m * r) / (m + r)) * energy;
    if (distance > best.distance * (1 + 1e-9)) best = { at, distance };
  }
  return best.at;
}

test("the first change lies where the definition has the largest energy distance", () => {
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 20 }), fc.integer({ min: 1, max: 1e6 }), (length, seed) => {
      const values = [...noise(length, seed), ...noise(length + 3, seed + 1).map((one) => one + 30)];
      const found = changePoints(values, OPTIONS).map(({ at }) => at);
      assert.ok(found.includes(largestSplit(values)));
    }),
    { numRuns: 20 },
  );
});
