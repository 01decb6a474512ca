import assert from "node:assert/strict";
import { test } from "node:test";
import { TAX_METRIC, withTax } from "../../src/measure/tax.js";
import type { TrialRecord } from "../../src/measure/trial-record.js";

function trial(pair: number, bitmap: "on" | "off", meanNs: number): TrialRecord {
  return {
    id: `${pair}/${bitmap}`,
    pair,
    suite: "quick",
    labels: { bitmap },
    phase: "steady",
    startedAt: "2026-01-01T00:00:00.000Z",
    durationNs: 1,
    metrics: { write_latency_ns: { unit: "ns", direction: "lower", mean: meanNs, count: 10 } },
    histograms: {},
  };
}

test("the tax compares a trial with its own twin only", () => {
  const trials = withTax([
    trial(0, "off", 100),
    trial(0, "on", 150),
    trial(1, "on", 300),
    trial(1, "off", 200),
  ]);
  assert.deepEqual(
    trials.map((one) => one.metrics[TAX_METRIC]?.value),
    [undefined, 50, 50, undefined],
  );
});

test("a trial whose twin is missing has no tax", () => {
  assert.equal(withTax([trial(3, "on", 150)])[0]?.metrics[TAX_METRIC], undefined);
});
