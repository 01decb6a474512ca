import assert from "node:assert/strict";
import { test } from "node:test";
import { RunProgress } from "../../src/measure/run-progress.js";

test("time left counts down, and learns from trials that took longer than planned", () => {
  let nowMs = 0;
  const progress = new RunProgress(() => nowMs);
  assert.equal(progress.line, "looking at the members");
  progress.plan(Array.from({ length: 4 }, () => ({ expectedMs: 10_000 })));
  progress.trialStarted({ title: "quick cold" });
  assert.equal(progress.line, "trial 1 of 4: quick cold, 40 s left");
  nowMs = 4_000;
  assert.match(progress.line, /36 s left$/);
  nowMs = 20_000;
  progress.trialEnded();
  progress.trialStarted({ title: "quick steady" });
  assert.equal(progress.line, "trial 2 of 4: quick steady, 60 s left");
});
