import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CompareOptions, type Comparison, compareResults } from "../../src/compare/compare-results.js";
import type { ComparedFigure } from "../../src/compare/compared-figure.js";
import { figureName } from "../../src/compare/metric-figures.js";
import { comparisonNotes } from "../../src/report/compare-words.js";
import type { Calibration, NoiseFloorRecord } from "../../src/results/calibration.js";
import type { Result } from "../../src/results/schema.js";
import { around, type MadeVariant, madeResult } from "./made-result.js";

const OPTIONS: CompareOptions = {
  metrics: [],
  alpha: 0.01,
  thresholdPercent: 3,
  anyway: false,
  calibration: null,
};

function compared(base: Result, head: Result, options: Partial<CompareOptions> = {}): Comparison {
  return compareResults(
    { name: "base", result: base },
    { name: "head", result: head },
    { ...OPTIONS, ...options },
  );
}

function ofFigures(figures: MadeVariant["figures"]): Result {
  return madeResult([{ figures }]);
}

function only(comparison: Comparison): ComparedFigure {
  const [figure] = comparison.figures;
  assert.ok(figure !== undefined && comparison.figures.length === 1);
  return figure;
}

function p50(middle: number, spreadPercent: number, count?: number): Result {
  return ofFigures({ "write_latency_ns:p50": around(middle, spreadPercent, count) });
}

test("a clear slowdown regresses, a clear speed-up improves, and neither is a change of nothing", () => {
  assert.equal(compared(p50(1000, 4), p50(1100, 4)).verdict, "regressed");
  assert.equal(compared(p50(1100, 4), p50(1000, 4)).verdict, "improved");
  const same = compared(p50(1000, 4), p50(1001, 4));
  assert.equal(same.verdict, "unchanged");
  assert.equal(only(same).moreTrials, null);
});

test("the direction is the metric's own", () => {
  const iops = (middle: number) => ofFigures({ write_iops: around(middle, 4) });
  assert.equal(compared(iops(1100), iops(1000)).verdict, "regressed");
  assert.equal(compared(iops(1000), iops(1100)).verdict, "improved");
});

test("three witnesses: beyond chance but within the floor is no regression", () => {
  const small = compared(p50(1000, 1), p50(1020, 1));
  const figure = only(small);
  assert.ok(figure.adjustedP < 1e-5 && figure.interval.low > 1);
  assert.equal(small.verdict, "unchanged");
  assert.equal(compared(p50(1000, 1), p50(1020, 1), { thresholdPercent: 1 }).verdict, "regressed");
});

test("three witnesses: a large change of medians that ranks do not bear out is none", () => {
  // Medians far apart by chance: both samples of two clusters.
  const low = [100, 101, 102, 103, 104, 105];
  const high = [200, 201, 202, 203, 204, 205];
  const base = ofFigures({ "write_latency_ns:p50": [...low, 106, ...high.slice(1)] });
  const head = ofFigures({
    "write_latency_ns:p50": [...low.slice(1), 206, ...high].map((value) => value + 0.5),
  });
  const comparison = compared(base, head);
  assert.ok(only(comparison).interval.ratio > 1.3);
  assert.equal(comparison.verdict, "inconclusive");
  assert.equal(only(comparison).reason, "tooMuchNoise");
  assert.ok((only(comparison).moreTrials ?? 0) > 0);
});

test("too few trials are inconclusive, however far apart, with how many are missing", () => {
  const figure = only(compared(p50(1000, 1, 4), p50(2000, 1, 4)));
  assert.deepEqual([figure.verdict, figure.reason, figure.moreTrials], ["inconclusive", "tooFewTrials", 1]);
  assert.equal(compared(p50(1000, 1, 5), p50(2000, 1, 5)).verdict, "regressed");
});

test("Holm runs over all figures: what one alone shows, it may not show among many", () => {
  const base: Record<string, number[]> = { "write_latency_ns:p50": around(1000, 1, 5) };
  const head: Record<string, number[]> = { "write_latency_ns:p50": around(1100, 1, 5) };
  assert.equal(compared(ofFigures(base), ofFigures(head)).verdict, "regressed");
  const same = { "write_latency_ns:p99": around(5000, 1, 5), write_iops: around(900, 1, 5) };
  const among = compared(ofFigures({ ...base, ...same }), ofFigures({ ...head, ...same }));
  assert.equal(among.verdict, "inconclusive");
  assert.ok(among.figures.every(({ reason, moreTrials }) => reason === "tooFewTrials" && moreTrials === 1));
});

test("more noise than the floor leaves room for is inconclusive, and the trials it names decide", () => {
  const first = compared(p50(1000, 40), p50(1005, 40));
  assert.equal(only(first).reason, "tooMuchNoise");
  const more = only(first).moreTrials ?? 0;
  assert.ok(more > 0 && more < 500, `${more}`);
  const second = compared(p50(1000, 40, 12 + 2 * more), p50(1005, 40, 12 + 2 * more));
  assert.equal(second.verdict, "unchanged");
});

test("one regression is a regression, whatever else improved or is open", () => {
  const base = ofFigures({
    "write_latency_ns:p50": around(1000, 2),
    write_iops: around(1000, 2),
    "write_latency_ns:p99": around(9000, 90),
  });
  const head = ofFigures({
    "write_latency_ns:p50": around(1100, 2),
    write_iops: around(1100, 2),
    "write_latency_ns:p99": around(9000, 90),
  });
  const comparison = compared(base, head);
  assert.deepEqual(
    comparison.figures.map((figure) => [figureName(figure), figure.verdict]),
    [
      ["write_latency_ns:p50", "regressed"],
      ["write_latency_ns:p99", "inconclusive"],
      ["write_iops", "improved"],
    ],
  );
  assert.equal(comparison.verdict, "regressed");
});

test("trials that had not settled, ran degraded or set others up are no samples", () => {
  const good: MadeVariant = { figures: { "write_latency_ns:p50": around(1000, 2) } };
  const slow = { "write_latency_ns:p50": around(9000, 2) };
  const labels = { bitmap: "on", nodes: 4 };
  const head = madeResult([
    good,
    { phase: "notSteady", labels, figures: slow },
    { labels: { ...labels, degraded: true }, figures: slow },
    { labels: { ...labels, finds: "maximum" }, figures: slow },
  ]);
  const comparison = compared(madeResult([good]), head);
  assert.equal(comparison.verdict, "unchanged");
  assert.deepEqual(comparison.head.unused, { notSteady: 12, degraded: 12, setUp: 12 });
  assert.equal(only(comparison).head.trials, 12);
});

test("variants are compared with their like, and one that only one side has is never silently left out", () => {
  const chunk = (chunkBytes: number, middle: number): MadeVariant => ({
    labels: { bitmap: "on", chunkBytes },
    figures: { "write_latency_ns:p50": around(middle, 2) },
  });
  const base = madeResult([chunk(65536, 1000), chunk(131072, 500)]);
  const swapped = madeResult([chunk(131072, 500), chunk(65536, 1000)]);
  assert.equal(compared(base, swapped).verdict, "unchanged");
  const missing = compared(base, madeResult([chunk(65536, 1000)]));
  assert.equal(missing.verdict, "inconclusive");
  assert.deepEqual(
    missing.unmatched.map(({ variant, side }) => [variant.labels.chunkBytes, side]),
    [[131072, "base"]],
  );
});

test("a phase that a few trials strayed into does not decide, and one that none reached does not pass", () => {
  const labels = { bitmap: "on", plannedPhase: "steady" };
  const steady = (count: number): MadeVariant => ({
    labels,
    figures: { write_iops: around(1000, 2, count) },
  });
  const hot = (count: number): MadeVariant => ({ ...steady(count), phase: "hot" });
  assert.equal(
    compared(madeResult([steady(11), hot(1)]), madeResult([steady(9), hot(3)])).verdict,
    "unchanged",
  );
  assert.equal(compared(madeResult([steady(12), hot(1)]), madeResult([steady(12)])).verdict, "unchanged");
  const cold: MadeVariant = {
    labels: { bitmap: "on", plannedPhase: "cold" },
    phase: "cold",
    figures: { write_iops: around(500, 2) },
  };
  const unsettled: MadeVariant = { ...steady(12), phase: "notSteady" };
  const lost = compared(madeResult([cold, unsettled]), madeResult([cold, unsettled]));
  assert.equal(lost.verdict, "inconclusive");
  assert.deepEqual(
    lost.unmatched.map(({ side, unused }) => [side, unused]),
    [["both", 24]],
  );
});

test("a figure that one side lacks is not passed over", () => {
  const both = { write_iops: around(1000, 2) };
  const base = ofFigures({ ...both, "unplug_latency_ns:p50": around(300, 2) });
  const comparison = compared(base, ofFigures(both));
  assert.equal(comparison.verdict, "inconclusive");
  assert.deepEqual(
    comparison.unmatched.map(({ figure, side }) => [figure?.metric, side]),
    [["unplug_latency_ns", "base"]],
  );
});

test("settings that tell the sides apart as a whole do not keep their trials apart under --anyway", () => {
  const of = (durability: string, middle: number) =>
    madeResult([{ labels: { bitmap: "on", durability }, figures: { write_iops: around(middle, 2) } }], {
      scenarioHash: (durability === "fua" ? "1" : "2").repeat(64),
    });
  assert.equal(compared(of("fua", 1000), of("none", 1500)).verdict, null);
  assert.equal(compared(of("fua", 1000), of("none", 1500), { anyway: true }).verdict, "improved");
});

test("figures are chosen by pattern; braces are part of the name; nothing chosen is an error, not a pass", () => {
  const figures = {
    "lock_latency_ns{op=request,mode=EX}:p50": around(100, 2),
    "lock_latency_ns{op=request,mode=EX}:p99": around(200, 2),
    "lock_latency_ns{op=request,mode=EX}:max": around(900, 2),
    "dirty_bytes:mean": around(50, 2),
    "dirty_bytes:max": around(90, 2),
  };
  const names = (...metrics: string[]) =>
    compared(ofFigures(figures), ofFigures(figures), { metrics }).figures.map(figureName);
  const lock = "lock_latency_ns{op=request,mode=EX}";
  assert.deepEqual(names("lock_latency_ns*"), [`${lock}:p50`, `${lock}:p99`]);
  assert.deepEqual(names("*:p99"), [`${lock}:p99`]);
  assert.deepEqual(names(`${lock}:max`), [`${lock}:max`]);
  assert.deepEqual(names("dirty_bytes"), ["dirty_bytes:mean"]);
  assert.deepEqual(names("dirty_bytes:*"), ["dirty_bytes:mean", "dirty_bytes:max"]);
  assert.deepEqual(names("lock_latency_ns{op=*}:p5?"), [`${lock}:p50`]);
  assert.throws(() => names(), { kind: "nothing", code: "metric-not-there" });
  assert.throws(() => names("lock.latency*"), { kind: "nothing", code: "metric-not-there" });
});

test("a tax of some percent is compared by what writes cost, also where it is below zero", () => {
  const tax = (middle: number) =>
    ofFigures({ bitmap_tax_percent: around(100 + middle, 1).map((value) => value - 100) });
  const options = { metrics: ["bitmap_tax_percent"] };
  const risen = compared(tax(-1), tax(9), options);
  assert.equal(risen.verdict, "regressed");
  assert.ok(Math.abs(only(risen).interval.ratio - 1.09 / 0.99) < 1e-6);
  assert.throws(() => compared(ofFigures({ write_iops: [-1, 1] }), ofFigures({ write_iops: [1, 2] })), {
    code: "metric-negative",
  });
});

test("zeros: equal ones are unchanged, a rise from nothing regresses", () => {
  const share = (values: number[]) => ofFigures({ unplug_share: values });
  const zero = new Array(12).fill(0);
  const options = { metrics: ["unplug_share"] };
  assert.equal(compared(share(zero), share(zero), options).verdict, "unchanged");
  assert.equal(compared(share(zero), share(around(0.5, 2)), options).verdict, "regressed");
  assert.equal(compared(share(around(0.5, 2)), share(zero), options).verdict, "improved");
});

function floorOf(change: Partial<NoiseFloorRecord>): NoiseFloorRecord {
  return {
    suite: "bitmap",
    phase: "steady",
    labels: { nodes: 4, bitmap: "on" },
    metric: "write_latency_ns",
    figure: "p50",
    trials: 48,
    trialsPerSide: 12,
    withinPercent: 1,
    betweenRunsPercent: 1,
    floorPercent: 1,
    ...change,
  };
}

test("the floor is the variant's own, else the largest of the figure, else assumed; a threshold can only raise it", () => {
  const floors = [
    floorOf({ floorPercent: 1 }),
    floorOf({ phase: "cold", floorPercent: 7 }),
    floorOf({ figure: "p99", phase: "cold", floorPercent: 20 }),
  ];
  const result = ofFigures({
    "write_latency_ns:p50": around(1000, 1),
    "write_latency_ns:p99": around(1000, 1),
    write_iops: around(1, 1),
  });
  const floorsOf = (thresholdPercent: number | null) =>
    compared(result, result, { thresholdPercent, calibration: { floors } as Calibration }).figures.map(
      ({ floor }) => [floor.percent, floor.from],
    );
  assert.deepEqual(floorsOf(null), [
    [1, "measured"],
    [20, "otherVariant"],
    [10, "assumed"],
  ]);
  assert.deepEqual(floorsOf(5), [
    [5, "threshold"],
    [20, "otherVariant"],
    [5, "threshold"],
  ]);
});

test("a floor above all reason passes nothing as unchanged that may be three times as bad", () => {
  const wide = [...around(100, 5, 6), ...around(900, 5, 6)];
  const [base, head] = [
    ofFigures({ "write_latency_ns:p50": wide }),
    ofFigures({ "write_latency_ns:p50": wide }),
  ];
  const comparison = compared(base, head, { thresholdPercent: 5000 });
  assert.ok(only(comparison).interval.high > 3);
  assert.equal(comparison.verdict, "inconclusive");
});

test("a geometric mean a figure over its variants, none where a median is zero", () => {
  const of = (nodes: number, middle: number): MadeVariant => ({
    labels: { nodes },
    figures: { write_iops: around(middle, 2, 12) },
  });
  const { geomeans } = compared(madeResult([of(1, 100), of(2, 400)]), madeResult([of(1, 200), of(2, 800)]));
  assert.equal(geomeans.length, 1);
  assert.ok(Math.abs((geomeans[0]?.base ?? 0) - 200) < 0.1 && Math.abs((geomeans[0]?.ratio ?? 0) - 2) < 1e-9);
  const zero = { ...of(2, 0), figures: { write_iops: new Array(12).fill(0) } };
  assert.deepEqual(compared(madeResult([of(1, 100), zero]), madeResult([of(1, 100), zero])).geomeans, []);
});

test("the mirror image of a comparison has the mirrored verdicts", () => {
  const sample = fc.array(fc.double({ min: 1, max: 1000, noNaN: true }), { minLength: 6, maxLength: 12 });
  const mirrored = {
    regressed: "improved",
    improved: "regressed",
    unchanged: "unchanged",
    inconclusive: "inconclusive",
  };
  fc.assert(
    fc.property(sample, sample, (one, two) => {
      const [base, head] = [
        ofFigures({ "write_latency_ns:p50": one }),
        ofFigures({ "write_latency_ns:p50": two }),
      ];
      const [there, back] = [only(compared(base, head)), only(compared(head, base))];
      if (there.verdict === "regressed" || there.verdict === "improved")
        assert.equal(back.verdict, mirrored[there.verdict]);
      assert.ok(Math.abs(there.p - back.p) < 1e-12);
    }),
  );
});

test("of all splits of one sample at most half of alpha are called a regression", () => {
  const pool = [101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157];
  let splits = 0;
  let alarms = 0;
  for (let mask = 0; mask < 1 << pool.length; mask++) {
    const base = pool.filter((_, index) => mask & (1 << index));
    if (base.length !== pool.length / 2) continue;
    const head = pool.filter((_, index) => !(mask & (1 << index)));
    const sides = [base, head].map((values) => ofFigures({ "write_latency_ns:p50": values }));
    const comparison = compared(sides[0] ?? assert.fail(), sides[1] ?? assert.fail(), {
      thresholdPercent: 0,
    });
    splits++;
    if (comparison.verdict === "regressed") alarms++;
  }
  assert.equal(splits, 924);
  assert.ok(alarms > 0 && alarms / splits <= 0.005, `${alarms} of ${splits}`);
});

for (const [what, base, head, code] of [
  ["no trial", p50(1, 1), madeResult([]), "result-without-trials"],
  [
    "no variant in common",
    madeResult([{ suite: "locks", figures: { write_iops: [1] } }]),
    p50(1, 1),
    "nothing-in-common",
  ],
] as const) {
  test(`nothing to compare is said, not passed: ${what}`, () => {
    assert.throws(() => compared(base, head), { kind: "nothing", code });
  });
}

test("one metric in two units is refused with files and trials", () => {
  const [base, head] = [p50(1, 1), p50(1, 1)];
  const metric = head.trials[3]?.metrics.write_latency_ns;
  assert.ok(metric !== undefined);
  metric.unit = "µs";
  assert.throws(
    () => compared(base, head),
    (error: Error) => {
      assert.match(
        error.message,
        /write_latency_ns has unit "ns" in base, trial bitmap\/0\/0 and "µs" in head, trial bitmap\/0\/3/,
      );
      return Reflect.get(error, "code") === "units-differ" && Reflect.get(error, "kind") === "input";
    },
  );
});

test("rates that were offered in open loop and differ are said, those that stray are not", () => {
  const at = (rate: number) =>
    ofFigures({ "write_latency_ns:p50": around(1000, 4), offered_iops: around(rate, 1) });
  assert.deepEqual(compared(at(50_000), at(51_000)).offered, []);
  const apart = compared(at(50_000), at(60_000));
  assert.equal(apart.figures.length, 1, "the rate itself is not compared");
  const [rates] = apart.offered;
  assert.ok(
    rates !== undefined && Math.round(rates.base / 1000) === 50 && Math.round(rates.head / 1000) === 60,
  );
  const [note] = comparisonNotes(apart);
  assert.match(note ?? "", /50\u202f0\d\d writes\/s in BASE and 60\u202f0\d\d writes\/s in HEAD\. Latencies/);
});
