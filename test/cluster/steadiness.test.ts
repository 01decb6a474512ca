import assert from "node:assert/strict";
import { test } from "node:test";
import { Steadiness } from "../../src/cluster/steadiness.js";

test("fewer than three passes are never settled", () => {
  const slot = new Steadiness();
  slot.passEnded(100, 10);
  slot.passEnded(100, 20);
  assert.equal(slot.rhythm, "settling");
  slot.passEnded(100, 30);
  assert.equal(slot.rhythm, "steady");
});

test("bits that drift more than 5 % over three passes are not steady, and become so when they stop", () => {
  const slot = new Steadiness();
  for (const [pass, bits] of [800, 900, 1000].entries()) slot.passEnded(bits, (pass + 1) * 10);
  assert.equal(slot.rhythm, "settling");
  slot.passEnded(1001, 40);
  slot.passEnded(960, 50);
  assert.equal(slot.rhythm, "steady");
});

test("hot means that nothing was set or cleared for three passes, whatever happened before", () => {
  const slot = new Steadiness();
  slot.passEnded(500, 7);
  for (let pass = 0; pass < 2; pass++) slot.passEnded(500, 7);
  assert.equal(slot.rhythm, "steady");
  slot.passEnded(500, 7);
  assert.equal(slot.rhythm, "hot");
  slot.passEnded(500, 9);
  assert.equal(slot.rhythm, "steady");
});
