import assert from "node:assert/strict";
import { test } from "node:test";
import { degradedLabels } from "../../src/measure/degraded-labels.js";
import { runWarnings } from "../../src/measure/run-warnings.js";
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

const LOST = [{ path: "/dev/b", message: "member /dev/b: flushing failed: i/o error (EIO)" }];

test("no tax is taken over a whole array and a degraded one, nor of a trial in which a member failed", () => {
  const labelled = (one: TrialRecord, labels: TrialRecord["labels"]) => ({
    ...one,
    labels: { ...one.labels, ...labels },
  });
  const degraded = degradedLabels(true, []);
  assert.deepEqual(degraded, { degraded: true });
  const failing = degradedLabels(false, LOST);
  const trials = withTax([
    trial(0, "off", 100),
    labelled(trial(0, "on", 150), failing),
    labelled(trial(1, "on", 300), degraded),
    labelled(trial(1, "off", 200), degraded),
    trial(2, "off", 100),
    labelled(trial(2, "on", 150), degraded),
    labelled(trial(3, "off", 100), failing),
    labelled(trial(3, "on", 150), failing),
  ]);
  assert.deepEqual(
    trials.map((one) => one.metrics[TAX_METRIC]?.value),
    [undefined, undefined, 50, undefined, undefined, undefined, undefined, undefined],
  );
});

test("a run with a failed member, and one on an array that lacked one, say so", () => {
  const io = { io: "uring", fallback: null } as const;
  const codes = (trials: TrialRecord[]) => runWarnings([], trials, "parallel", io, []);
  const one = trial(0, "on", 100);
  assert.deepEqual(codes([one]), []);
  const failing = { ...one, labels: { ...one.labels, ...degradedLabels(false, LOST) } };
  const [warning, ...others] = codes([one, failing]);
  assert.deepEqual(others, []);
  assert.equal(warning?.code, "member-failed");
  assert.match(warning.text, /^member \/dev\/b: flushing failed: i\/o error \(EIO\)\. From trial 0\/on on /);
  const degraded = { ...one, labels: { ...one.labels, ...degradedLabels(true, []) } };
  assert.deepEqual(
    codes([degraded]).map(({ code }) => code),
    ["array-degraded"],
  );
});
