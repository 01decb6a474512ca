import assert from "node:assert/strict";
import { test } from "node:test";
import { expandLocks } from "../../src/scenario/expand.js";
import { locks } from "../../src/scenario/suites.js";

test("threads spin only where each has a core, and nobody spins for an uncontended lock", () => {
  const spinning = expandLocks(locks, 4).filter((plan) => plan.waiting === "spin");
  assert.deepEqual(new Set(spinning.map((plan) => plan.nodes)), new Set([2, 4]));
  assert.equal(
    expandLocks(locks, 1).some((plan) => plan.waiting === "spin"),
    false,
  );
});

test("every configuration comes once a round, with ids of its own", () => {
  const plans = expandLocks({ ...locks, trials: 2 }, 64);
  assert.equal(new Set(plans.map((plan) => plan.id)).size, plans.length);
  const round = plans.slice(0, plans.length / 2).map(({ id, ...plan }) => JSON.stringify(plan));
  assert.equal(new Set(round).size, round.length);
  assert.ok(plans.some((plan) => plan.seenBy === "javascript" && plan.waiting === "sync" && plan.valueBlock));
});
