import assert from "node:assert/strict";
import { test } from "node:test";
import { RunProgress } from "../../src/measure/run-progress.js";
import { expand } from "../../src/scenario/expand.js";
import type { Scenario } from "../../src/scenario/schema.js";
import { suiteNamed } from "../../src/scenario/suites.js";

test("time left counts down, and learns from trials that took longer than planned", () => {
  let nowMs = 0;
  const progress = new RunProgress(() => nowMs);
  const scenario: Scenario = {
    ...suiteNamed("quick").scenario,
    trials: 2,
    phases: ["cold"],
    timeMs: 9_500,
    warmupMs: 500,
  };
  const plans = expand(scenario);
  const [first, second] = plans;
  assert.ok(first !== undefined && second !== undefined);
  progress.plan(plans.map((plan) => ({ scenario, plan })));
  progress.trialStarted(scenario, first);
  assert.match(progress.line, /^trial 1 of 4: quick cold, 4 nodes, .*, 40 s left$/);
  nowMs = 4_000;
  assert.match(progress.line, /36 s left$/);
  nowMs = 20_000;
  progress.trialEnded();
  progress.trialStarted(scenario, second);
  assert.match(progress.line, /^trial 2 of 4: .* 60 s left$/);
});
