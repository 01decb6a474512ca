import assert from "node:assert/strict";
import { test } from "node:test";
import { Steadiness } from "../../src/cluster/steadiness.js";

/** Passes that end with so many bits on disk, each after as many changes as before. */
function after(...bits: readonly number[]): string {
  const steadiness = new Steadiness();
  bits.forEach((count, pass) => {
    steadiness.passEnded(count, pass + 1);
  });
  return steadiness.rhythm;
}

test("three passes within 5 % are steady, two are too few, and what still grows is settling", () => {
  assert.equal(after(1000, 1000), "settling");
  assert.equal(after(10_000, 10_200, 10_400), "steady");
  assert.equal(after(10_000, 10_300, 10_600), "settling");
  assert.equal(after(5_000, 10_000, 15_000, 15_100, 15_200), "steady");
});

test("no change in three passes is hot", () => {
  const steadiness = new Steadiness();
  for (let pass = 0; pass < 3; pass++) steadiness.passEnded(64, 0);
  assert.equal(steadiness.rhythm, "hot");
  steadiness.passEnded(64, 1);
  assert.equal(steadiness.rhythm, "steady");
});

test("few bits may vary as counts do, but only after five passes", () => {
  assert.equal(after(100, 110, 95), "settling");
  assert.equal(after(50, 100, 100, 110, 95), "steady");
  assert.equal(after(50, 100, 60, 110, 160), "settling", "that is growth and no noise");
  assert.equal(after(1, 1, 40_000, 44_000, 40_000), "settling", "of many bits noise is less than 5 %");
});

test("three Poisson counts of one mean are steady in at least 95 of 100 cases, and three that double never", () => {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const poisson = (mean: number) => {
    const gap = () => -Math.log(random());
    let count = 0;
    for (let time = gap(); time < mean; time += gap()) count++;
    return count;
  };
  for (const mean of [40, 200, 1000]) {
    let steady = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const counts = [mean, mean, poisson(mean), poisson(mean), poisson(mean)];
      if (after(...counts) === "steady") steady++;
      assert.equal(after(0, 0, mean / 2, mean, mean * 2), "settling");
    }
    assert.ok(steady >= 930, `${steady} of 1000 at ${mean}`);
  }
});
