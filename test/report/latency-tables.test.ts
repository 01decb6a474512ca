import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyCell, rangeCell } from "../../src/report/latency-cell.js";
import { suiteTable } from "../../src/report/suite-table.js";
import { resultTable } from "../../src/report/table.js";
import { PLAIN } from "../../src/report/terminal-style.js";
import type { Result, Trial } from "../../src/results/schema.js";
import { sampleResult, sampleTrial } from "../results/sample.js";

type Figures = Readonly<Record<string, readonly [p50: number, p99: number]>>;

function trialOf(id: string, labels: Trial["labels"], figures: Figures): Trial {
  const metrics = Object.entries(figures).map(([name, [p50, p99]]) => {
    return [name, { unit: "ns", direction: "lower" as const, p50, p99, count: 9 }] as const;
  });
  const metricsByName = Object.fromEntries(metrics);
  return { ...sampleTrial(id), pair: null, phase: "steady", labels, metrics: metricsByName, histograms: {} };
}

function latencyResult(): Result {
  const native = { seenBy: "native", waiting: "sleep", cores: "idle" };
  const lock = { kind: "locks", valueBlock: false, ...native };
  const trials = [
    trialOf(
      "alone",
      { ...lock, nodes: 1 },
      {
        "lock_latency_ns{op=request,mode=EX}": [150, 290],
        "lock_latency_ns{op=convert,mode=NL-EX}": [51, 80],
        "lock_latency_ns{op=convert,mode=EX-NL}": [60, 90],
        "lock_floor_ns{kind=clock}": [23, 23],
      },
    ),
    ...[2, 16].map((nodes) =>
      trialOf(
        `n${nodes}`,
        { ...lock, nodes },
        {
          "lock_latency_ns{op=handOver,mode=NL-EX,blockers=1}": [1000 * nodes, 2000 * nodes],
          "lock_floor_ns{kind=futex}": [900, 4e6],
        },
      ),
    ),
    trialOf(
      "message",
      { kind: "messages", ...native, nodes: 8 },
      {
        message_latency_ns: [42_200, 104_000],
        "message_latency_ns{part=ack}": [41_600, 104_000],
        "message_floor_ns{kind=receiverCpu}": [6470, 6920],
      },
    ),
  ];
  return { ...sampleResult(), trials, histograms: {} };
}

test("locks and messages have a row a configuration and a column a cluster size, floors beside them", () => {
  const table = resultTable(latencyResult(), PLAIN);
  assert.match(table, /^ +request EX +NL→EX +all 36 conversions/m);
  assert.match(
    table,
    /^ {2}native, idle cores +150 \/ 290 ns +51\.0 \/ 80\.0 ns +51\.0 to 60\.0 ns +– +– +23\.0 ns$/m,
  );
  assert.match(table, /^ +2 nodes +16 nodes\n {2}sleep, idle cores +2\.00 \/ 4\.00 µs +16\.0 \/ 32\.0 µs$/m);
  assert.match(table, /^ {4}floor: futex +900 ns \/ 4\.00 ms/m, "each figure in a unit of its own");
  assert.match(table, /^ +to 7\n {2}sleep, idle cores +42\.2 \/ 104 µs$/m);
  assert.match(table, /^ {4}receiver's CPU +6\.47 µs$/m);
  assert.doesNotMatch(table, /interquartile/, "which these tables do not show");
});

test("a narrow terminal gets the p50 alone, and its width is kept", () => {
  const table = resultTable(latencyResult(), { ...PLAIN, widthColumns: 40 });
  assert.match(table, /^ {2}sleep, idle cores +2\.00 µs +16\.0 µs$/m);
});

test("cells are medians over trials; what was not measured is a dash", () => {
  const trials = [1, 2, 9].map((ns) => trialOf(`${ns}`, {}, { a: [ns, 10 * ns], b: [100 * ns, 100 * ns] }));
  assert.equal(latencyCell(trials, /^a$/).whole, "2.00 / 20.0 ns");
  assert.equal(latencyCell(trials, /^c$/).whole, "–");
  assert.deepEqual(rangeCell(trials, /^[ab]$/), { whole: "2.00 to 200 ns", short: "≤ 200 ns" });
});

test("the list of suites says how long each takes", () => {
  const text = suiteTable(
    [
      { name: "quick", summary: "a little of each", expectedSeconds: 71 },
      { name: "locks", summary: "what a lock costs", expectedSeconds: 40 },
    ],
    PLAIN,
  );
  assert.match(text, /^quick {2}about 1 min +a little of each$/m);
  assert.match(text, /^locks {2}about 40 s +what a lock costs$/m);
});
