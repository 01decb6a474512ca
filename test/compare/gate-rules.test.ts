import assert from "node:assert/strict";
import { test } from "node:test";
import { binomialDistribution } from "simple-statistics";
import { upperBoundOfShare } from "../../bench/gate/clopper-pearson.js";
import { judgePool } from "../../bench/gate/judge-pool.js";
import { judgedTable } from "../../bench/gate/judged-table.js";
import type { Pool, PoolTrial } from "../../bench/gate/pool.js";
import { criterionRule } from "../../bench/gate/rules/criterion.js";
import { fixedThresholdRule } from "../../bench/gate/rules/fixed-threshold.js";
import { googleBenchmarkRule } from "../../bench/gate/rules/google-benchmark.js";
import type { Rule } from "../../bench/gate/rules/rule.js";
import { slotmarkAbRule, slotmarkRule } from "../../bench/gate/rules/slotmark.js";
import type { FigurePair } from "../../src/compare/paired-figures.js";
import { seededRandom } from "../../src/compare/seeded-random.js";
import type { NoiseFloorRecord } from "../../src/results/calibration.js";
import { sampleHeader } from "../results/sample.js";
import { around } from "./made-result.js";

test("the upper bound of a share is the one that leaves so few findings 5 % likely", () => {
  assert.ok(Math.abs(upperBoundOfShare(0, 2000) - (1 - 0.05 ** (1 / 2000))) < 1e-12);
  assert.equal(upperBoundOfShare(7, 7), 1);
  for (const [found, all] of [
    [1, 20],
    [5, 100],
    [12, 400],
  ] as const) {
    const probabilities = binomialDistribution(all, upperBoundOfShare(found, all)) ?? [];
    const upTo = probabilities.slice(0, found + 1).reduce((sum, one) => sum + one, 0);
    assert.ok(Math.abs(upTo - 0.05) < 1e-3, `${found} of ${all}: ${upTo}`);
  }
});

const VARIANT = { suite: "gate", phase: "steady", labels: { bitmap: "on" } } as const;
const FLOOR: NoiseFloorRecord = {
  ...VARIANT,
  metric: "write_latency_ns",
  figure: "p50",
  trials: 48,
  trialsPerSide: 12,
  withinPercent: 4,
  betweenRunsPercent: 2,
  floorPercent: 4,
};

function pair(base: readonly number[], head: readonly number[], direction: "lower" | "higher"): FigurePair {
  return {
    variant: VARIANT,
    metric: "write_latency_ns",
    figure: "p50",
    unit: "ns",
    direction,
    base,
    head,
    rounds: null,
  };
}

const RULES: readonly Rule[] = [
  slotmarkRule({ floors: [FLOOR] }),
  criterionRule(),
  googleBenchmarkRule,
  fixedThresholdRule,
];

test("every rule finds what is plain, in either direction, and nothing in equals", () => {
  const [base, head] = [around(1000, 2), around(1300, 2)];
  for (const rule of RULES) {
    const found = rule.judge([
      pair(base, head, "lower"),
      pair(base, head, "higher"),
      pair(head, base, "lower"),
      pair(base, base, "lower"),
    ]);
    assert.deepEqual(found, ["regressed", "improved", "improved", null], rule.name);
  }
});

test("criterion's threshold passes over a sure change of half a percent, the U test does not", () => {
  const small = [pair(around(1000, 0.2), around(1005, 0.2), "lower")];
  assert.deepEqual(criterionRule().judge(small), [null]);
  assert.deepEqual(googleBenchmarkRule.judge(small), ["regressed"]);
  assert.deepEqual(fixedThresholdRule.judge(small), [null]);
  assert.deepEqual(slotmarkRule({ floors: [FLOOR] }).judge(small), [null]);
});

/** Trials with normal noise of about 2 %, and slowdowns by these times. */
function madePool(slower: readonly number[] = [1.12]): Pool {
  const random = seededRandom(3);
  const around1 = () => {
    let sum = 0;
    for (let term = 0; term < 12; term++) sum += random(1e6) / 1e6 - 0.5;
    return 1 + 0.02 * sum;
  };
  const trial = (slowdown: number | null, pairNumber: number): PoolTrial => {
    const factor = slowdown === null ? 1 : (slower[slowdown] ?? 1);
    const times = [200_000, 900_000, 1, 60_000].map((one) => one * factor * around1());
    times[2] = (150_000 / factor) * around1();
    return {
      ...{ round: 0, pair: pairNumber, place: 0, slowdown },
      ...{ startedAt: "2026-01-02T03:04:05.000Z", values: times, otherCpuShare: null },
    };
  };
  const { environment, slotmark, createdAt } = sampleHeader();
  return {
    ...{ benchmark: "gate-pool", slotmark, createdAt, environment, scenario: {}, variant: VARIANT },
    ...{ backgroundLoad: { periodMs: 10, duty: 0.3 }, loadAverage: { before: 0, after: 0 }, minutes: 1 },
    figures: ["write_latency_ns:p50", "write_latency_ns:p99", "write_iops", "unplug_latency_ns:p50"],
    calibration: { runs: 4, trialsPerRun: 12, floors: [FLOOR] },
    slowdowns: slower.map(() => ({ where: "pageWrites", timesFloor: 2.5, turns: 1 })),
    unsettled: 0,
    trials: [
      // Twenty beside one that is slowed down, forty beside each other.
      ...Array.from({ length: 60 }, (_, index) => trial(null, index < 20 ? index : 20 + (index >> 1))),
      ...slower.flatMap((_, slowdown) => Array.from({ length: 20 }, (_, index) => trial(slowdown, index))),
    ],
  };
}

test("a recording is judged: false alarms, power and the smallest slowdown of each rule, the same every time", () => {
  const ours = slotmarkRule({ floors: [FLOOR] });
  const ab = slotmarkAbRule({ floors: [FLOOR] });
  const judged = judgePool(madePool(), [ours, ab, googleBenchmarkRule], 80);
  const alarms = judged.falseAlarms["slotmark compare"];
  assert.ok(alarms && alarms.share <= 0.02, JSON.stringify(alarms));
  assert.ok((judged.falseAlarms["google/benchmark"]?.share ?? 0) > alarms.share);
  assert.equal(judged.slowdowns[0]?.found["slotmark compare"], 1);
  assert.equal(judged.slowdowns[0]?.found["slotmark ab"], 1);
  assert.ok((judged.falseAlarms["slotmark ab"]?.share ?? 1) <= 0.03);
  assert.equal(judged.roundsOfAb, 13);
  const smallest = judged.smallestFoundModelledPercent["slotmark compare"] ?? 0;
  assert.ok(smallest > 1 && smallest < 8, String(smallest));
  const few = { ...madePool(), trials: madePool().trials.filter((one) => one.pair < 36) };
  assert.equal(judgePool(few, [ours, ab], 80).falseAlarms["slotmark ab"], null);
  assert.deepEqual(judgePool(madePool(), [ours], 80).falseAlarms, { "slotmark compare": alarms });
  const lines = judgedTable(judged);
  assert.equal(new Set(lines.map((line) => line.length)).size, 1);
});

test("of the sizes that a slowdown was recorded in the nearest is judged, and one too large only where there is no other", () => {
  const wantedPercent = 2.5 * FLOOR.floorPercent;
  const judged = (...parts: readonly number[]) =>
    judgePool(
      madePool(parts.map((part) => 1 + (part * wantedPercent) / 100)),
      [slotmarkRule({ floors: [FLOOR] })],
      80,
    );
  const judgedSize = ({ slowdowns: [first, ...others] }: ReturnType<typeof judged>) => {
    assert.deepEqual(others, []);
    return first?.recordedTimesFloor.indexOf(Number(first.achievedTimesFloor.toFixed(2)));
  };
  assert.equal(judgedSize(judged(2, 1, 3)), 1);
  assert.equal(judgedSize(judged(1.4, 0.4)), 1);
  const tooLarge = judged(3, 2);
  assert.equal(judgedSize(tooLarge), 1);
  assert.ok(tooLarge.missed.some((text) => text.includes("not shown")));
});
