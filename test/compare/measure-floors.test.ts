import assert from "node:assert/strict";
import { test } from "node:test";
import { standardDeviation } from "simple-statistics";
import { differenceInterval } from "../../src/compare/difference-interval.js";
import { FLOOR_SAMPLING, measureFloors } from "../../src/compare/measure-floors.js";
import { normalUpperQuantile } from "../../src/compare/normal-distribution.js";
import { preflushCost } from "../../src/compare/preflush.js";
import { seededRandom } from "../../src/compare/seeded-random.js";
import type { NoiseFloorRecord } from "../../src/results/calibration.js";
import { around, type MadeVariant, madeResult } from "./made-result.js";

const OPTIONS = { ...FLOOR_SAMPLING, trialsPerSide: 12 };
const LABELS = { bitmap: "on", nodes: 4 };

function runOf(values: readonly number[], change: Partial<MadeVariant> = {}) {
  return madeResult([{ labels: LABELS, figures: { "write_latency_ns:p50": values }, ...change }]);
}

function only(floors: readonly NoiseFloorRecord[]): NoiseFloorRecord {
  const [floor] = floors;
  assert.ok(floor !== undefined && floors.length === 1);
  return floor;
}

/** Normal logarithms: the distribution that a median's error is known for. */
function logNormal(count: number, sigma: number): number[] {
  const random = seededRandom(7);
  return Array.from(
    { length: count },
    () => 1e5 * Math.exp(sigma * normalUpperQuantile((random(1e6) + 0.5) / 1e6)),
  );
}

test("the floor by chance is what theory says of medians: 2.576 standard errors of their difference", () => {
  const values = logNormal(2400, 0.02);
  const sigma = standardDeviation(values.map(Math.log));
  // The median of 12 standard normal values has a variance of 0.1174 (two million samples drawn by numpy 2).
  const expected = 100 * Math.expm1(2.5758 * Math.sqrt(2 * 0.1174) * sigma);
  const runs = Array.from({ length: 200 }, (_, run) => runOf(values.slice(12 * run, 12 * run + 12)));
  // Without the allowance for few trials, of which these are many.
  const { withinPercent } = only(measureFloors(runs, { ...OPTIONS, confidence: 0.5, draws: 2000 }));
  assert.ok(Math.abs(withinPercent / expected - 1) < 0.1, `${withinPercent}, not ${expected}`);
});

test("few trials get an allowance that many need not have", () => {
  const ratioOf = (count: number) => {
    const run = runOf(logNormal(count, 0.02));
    const [bound, middle] = [0.95, 0.5].map(
      (confidence) => only(measureFloors([run], { ...OPTIONS, confidence })).withinPercent,
    );
    return (bound ?? 0) / (middle ?? 1);
  };
  const [few, many] = [ratioOf(24), ratioOf(1000)];
  assert.ok(few > 1.15 && many > 1 && many < few, `${few} and ${many}`);
});

test("what moves between whole runs counts, where it is more than chance", () => {
  const drifted = only(
    measureFloors([runOf(around(1000, 1)), runOf(around(1000, 1)), runOf(around(1100, 1))], OPTIONS),
  );
  assert.ok(Math.abs(drifted.betweenRunsPercent - 10) < 0.1);
  assert.equal(drifted.floorPercent, Math.max(drifted.withinPercent, drifted.betweenRunsPercent));
  const still = only(measureFloors([runOf(around(1000, 10)), runOf(around(1000, 10))], OPTIONS));
  assert.ok(
    still.betweenRunsPercent < 1e-6 && still.floorPercent === still.withinPercent && still.withinPercent > 1,
  );
});

test("the same runs give the same floors, and a change of scale none", () => {
  const values = logNormal(48, 0.05);
  const runs = (factor: number) =>
    [values.slice(0, 24), values.slice(24)].map((part) => runOf(part.map((value) => factor * value)));
  assert.deepEqual(measureFloors(runs(1), OPTIONS), measureFloors(runs(1), OPTIONS));
  const [one, other] = [only(measureFloors(runs(1), OPTIONS)), only(measureFloors(runs(1024), OPTIONS))];
  assert.ok(Math.abs(one.floorPercent - other.floorPercent) < 1e-9);
});

test("floors are of one variant each, of settled trials only, and of enough of them", () => {
  const run = madeResult([
    { labels: LABELS, figures: { write_iops: around(1000, 2, 6) } },
    { labels: { ...LABELS, nodes: 8 }, figures: { write_iops: around(1000, 2, 2) } },
    { labels: LABELS, phase: "notSteady", figures: { write_iops: around(9000, 2, 6) } },
  ]);
  const floor = only(measureFloors([run, run], OPTIONS));
  assert.deepEqual([floor.labels, floor.phase, floor.trials, floor.trialsPerSide], [LABELS, "steady", 12, 6]);
  assert.ok(floor.floorPercent < 3);
});

test("a figure that has no ratio has no floor", () => {
  const run = runOf([], {
    figures: {
      write_iops: new Array(12).fill(0).map((_, index) => index % 2),
      unplug_share: new Array(12).fill(0),
    },
  });
  assert.deepEqual(
    measureFloors([run, run], OPTIONS).map(({ metric, floorPercent }) => [metric, floorPercent]),
    [["unplug_share", 0]],
  );
});

test("the difference of medians, and its interval", () => {
  const { difference, low, high } = differenceInterval(around(1000, 10), around(1500, 10));
  assert.ok(Math.abs(difference - 500) < 0.1 && low < difference && difference < high && high - low < 150);
  assert.deepEqual(differenceInterval([1], [4]), { difference: 3, low: 3, high: 3, confidence: 0.95 });
  const below = differenceInterval(around(1500, 10), around(1000, 10));
  assert.ok(below.high < 0);
});

test("the flush before a page is what unplugging takes longer with it, in like variants", () => {
  const of = (durability: string, middle: number, count: number) =>
    madeResult([
      { labels: { ...LABELS, durability }, figures: { "unplug_latency_ns:p50": around(middle, 4, count) } },
    ]);
  const cost = preflushCost(
    [of("preflush-fua", 300_000, 12), of("preflush-fua", 300_000, 12)],
    of("fua", 210_000, 10),
  );
  assert.ok(
    cost !== null && Math.abs(cost.latencyNs - 90_000) < 100 && cost.lowNs < 90_000 && cost.highNs > 90_000,
  );
  assert.equal(cost.trials, 10);
  assert.equal(preflushCost([runOf(around(1, 1))], of("fua", 1, 3)), null);
});
