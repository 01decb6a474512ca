import assert from "node:assert/strict";
import { test } from "node:test";
import { expandLocks, expandMessages, type LatencyConditions } from "../../src/scenario/expand.js";
import { locks, messages } from "../../src/scenario/suites.js";

type Plan = LatencyConditions & { readonly id: string; readonly nodes: number };

for (const [name, plansOn] of [
  ["locks", (cores: number, trials = 1): Plan[] => expandLocks({ ...locks, trials }, cores)],
  ["messages", (cores: number, trials = 1): Plan[] => expandMessages({ ...messages, trials }, cores)],
] as const) {
  test(`${name}: threads spin only where each has a core, and where somebody waits`, () => {
    const spinning = plansOn(4).filter((plan) => plan.waiting === "spin");
    const counts = new Set(spinning.map((plan) => plan.nodes));
    assert.deepEqual(counts, new Set(name === "locks" ? [2, 4] : [2, 3, 4]));
    assert.ok(plansOn(1).every((plan) => plan.waiting !== "spin"));
  });

  test(`${name}: every configuration comes once a round, with ids of its own`, () => {
    const plans = plansOn(64, 2);
    assert.equal(new Set(plans.map((plan) => plan.id)).size, plans.length);
    const round = plans.slice(0, plans.length / 2).map(({ id, ...plan }) => JSON.stringify(plan));
    assert.equal(new Set(round).size, round.length);
  });

  test(`${name}: each way of waiting on idle and on busy cores, in native code and in JavaScript`, () => {
    const ways = new Map<string, Set<string>>();
    for (const { seenBy, waiting, cores, nodes } of plansOn(2)) {
      const way = `${seenBy} ${waiting} ${nodes}`;
      ways.set(way, (ways.get(way) ?? new Set()).add(cores));
    }
    for (const [way, cores] of ways) assert.deepEqual(cores, new Set(["idle", "busy"]), way);
    assert.ok(ways.has("native sleep 64") && ways.has("javascript promise 64") && ways.has("native spin 2"));
  });
}
