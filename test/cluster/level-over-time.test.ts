import assert from "node:assert/strict";
import { test } from "node:test";
import { LevelOverTime } from "../../src/cluster/level-over-time.js";

test("the mean weighs each level by how long it lasted", () => {
  const level = new LevelOverTime();
  level.start(0, 1000);
  level.set(100, 1250);
  level.set(20, 1750);
  assert.equal(level.mean(2000), (0 * 250 + 100 * 500 + 20 * 250) / 1000);
  assert.equal(level.maximum, 100);
});

test("an interval without length has the level itself as its mean", () => {
  const level = new LevelOverTime();
  level.start(7, 5);
  assert.equal(level.mean(5), 7);
});
