import assert from "node:assert/strict";
import { test } from "node:test";
import { FLOOR_SAMPLING } from "../../src/compare/measure-floors.js";
import { calibrationText } from "../../src/report/calibration-text.js";
import { PLAIN } from "../../src/report/terminal-style.js";
import type { Calibration, NoiseFloorRecord } from "../../src/results/calibration.js";
import { sampleHeader } from "../results/sample.js";

function floor(change: Partial<NoiseFloorRecord>): NoiseFloorRecord {
  return {
    ...{
      suite: "bitmap",
      phase: "steady",
      labels: { bitmap: "on", nodes: 4 },
      metric: "write_iops",
      figure: "value",
    },
    ...{ trials: 48, trialsPerSide: 12, withinPercent: 2.5, betweenRunsPercent: 1.25, floorPercent: 2.5 },
    ...change,
  };
}

function calibration(floors: NoiseFloorRecord[], preflush: Calibration["preflush"] = null): Calibration {
  const { slotmark, createdAt, environment, backends } = sampleHeader();
  return {
    calibrationVersion: 1,
    slotmark,
    createdAt,
    environment,
    backends,
    runs: 4,
    ...FLOOR_SAMPLING,
    preflush,
    floors,
  };
}

test("shows what compare looks at by default, counts the rest, and explains both sources", () => {
  const text = calibrationText(
    calibration([floor({}), floor({ metric: "lock_latency_ns", figure: "p50" })]),
    PLAIN,
  );
  assert.match(text, /^write_iops +steady, with bitmap +2\.5 % +2\.5 % +1\.3 % +12$/m);
  assert.match(text, /^1 more figures? /m);
  assert.match(text, /99 % of changes .* 95 % confidence.* 4 whole runs/);
  assert.doesNotMatch(text, /too noisy|flush before/);
});

test("a suite without the default figures shows its own", () => {
  assert.match(
    calibrationText(calibration([floor({ metric: "lock_latency_ns", figure: "p50" })]), PLAIN),
    /^lock_latency_ns:p50/m,
  );
});

test("floors that hide everything are called useless, and the flush is told with its interval", () => {
  const preflush = { latencyNs: 182_000, lowNs: 147_000, highNs: 220_000, trials: 12 };
  const text = calibrationText(
    calibration([floor({ floorPercent: 80 }), floor({ phase: "cold" })], preflush),
    PLAIN,
  );
  assert.match(text, /1 of these 2 floors .* too noisy/);
  assert.match(text, /takes 182 µs \(147 to 220\)/);
});
