import assert from "node:assert/strict";
import { test } from "node:test";
import { quick } from "../../src/scenario/bitmap-suites.js";
import { expand, findsMaximum } from "../../src/scenario/expand-bitmap.js";

test("each pair has one trial with and one without a bitmap, next to each other and of one seed", () => {
  const plans = expand({ ...quick, nodes: [2, 4], chunkBytes: [65536, 1 << 20], trials: 3 });
  assert.equal(plans.length, 3 * 2 * 2 * 2 * 2);
  assert.equal(new Set(plans.map((plan) => plan.id)).size, plans.length);
  for (let index = 0; index < plans.length; index += 2) {
    const [one, other] = plans.slice(index, index + 2);
    assert.ok(one !== undefined && other !== undefined);
    assert.equal(one.pair, other.pair);
    assert.equal(one.seed, other.seed);
    assert.notEqual(one.bitmap, other.bitmap);
  }
});

test("variants are interleaved: a round holds every phase and matrix point once before the next begins", () => {
  const plans = expand({ ...quick, nodes: [2, 4], trials: 2 });
  const round = plans.slice(0, plans.length / 2).map((plan) => `${plan.nodes}/${plan.phase}`);
  assert.deepEqual(new Set(round), new Set(["2/cold", "2/steady", "4/cold", "4/steady"]));
});

test("the order inside pairs follows the seed and both orders occur", () => {
  const orders = (seed: number) =>
    expand({ ...quick, trials: 20, seed })
      .filter((_, index) => index % 2 === 0)
      .map((plan) => plan.bitmap);
  assert.deepEqual(orders(1), orders(1));
  assert.notDeepEqual(orders(1), orders(2));
  assert.ok(orders(1).includes(true) && orders(1).includes(false));
});

test("a trace has its own places and lengths, and generated writes no recorded times", () => {
  const plans = expand({
    ...quick,
    workload: ["uniform", "trace:/a/x.log", "trace:/b/x.log"],
    workingSet: ["all", "10%"],
    writeBytes: [4096, 8192],
    rate: ["recorded", 500],
    phases: ["steady"],
    bitmap: "off",
    trials: 1,
  });
  assert.equal(new Set(plans.map(({ id }) => id)).size, plans.length);
  const of = (workload: string) => plans.filter((plan) => plan.workload === workload);
  assert.equal(of("uniform").length, 2 * 2);
  assert.ok(of("uniform").every(({ rate }) => rate === 500));
  for (const trace of ["trace:/a/x.log", "trace:/b/x.log"])
    assert.deepEqual(
      of(trace).map(({ rate }) => rate),
      ["recorded", 500],
    );
  assert.equal(
    of("trace:/b/x.log")[0]?.id,
    "quick/n4/c65536/trace:x.log#2/sall/w4096/rrecorded/steady/1/none",
  );
});

test("with a bitmap alone, or none, there are no twins", () => {
  const of = (bitmap: "paired" | "on" | "off") => expand({ ...quick, bitmap }).map((plan) => plan.bitmap);
  assert.deepEqual(of("off"), new Array(of("paired").length / 2).fill(false));
  assert.deepEqual(of("on"), new Array(of("paired").length / 2).fill(true));
});

test("every axis multiplies, and a name tells the values of those that have several", () => {
  const plans = expand({
    ...quick,
    workload: ["uniform", "zipf"],
    plug: [1, 8],
    durability: ["fua", "none"],
    phases: ["steady"],
    trials: 1,
  });
  assert.equal(plans.length, 2 * 2 * 2 * 2);
  assert.equal(new Set(plans.map((plan) => plan.id)).size, plans.length);
  assert.ok(plans.some(({ id }) => id === "quick/n4/c65536/zipf/p8/none/steady/1/bitmap"));
});

test("a percentage of the maximum is measured after the maximum, which neither chunk nor durability changes", () => {
  const plans = expand({
    ...quick,
    chunkBytes: [65536, 1 << 20],
    durability: ["fua", "none"],
    workingSet: ["all", "10%"],
    rate: ["1%", "closed", 500],
    phases: ["steady"],
    trials: 2,
  });
  const maxima = plans.filter(findsMaximum);
  assert.deepEqual(plans.slice(0, maxima.length), maxima);
  assert.deepEqual(
    new Set(maxima.map(({ maximum }) => maximum)),
    new Set(["quick/n4/sall/maximum", "quick/n4/s10%/maximum"]),
  );
  assert.ok(maxima.every(({ bitmap, pair, rate }) => !bitmap && pair === null && rate === "closed"));
  for (const { rate, maximum, workingSet } of plans.slice(maxima.length)) {
    assert.equal(maximum, rate === "1%" ? `quick/n4/s${workingSet}/maximum` : null);
  }
});

test("where only touched blocks are primed, all trials write the same ones", () => {
  const seeds = (priming: "touched" | "workingSet") =>
    new Set(expand({ ...quick, priming, seed: 9 }).map(({ seed }) => seed));
  assert.deepEqual(seeds("touched"), new Set([9]));
  assert.ok(seeds("workingSet").size > 1);
});
