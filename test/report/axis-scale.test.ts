/** Axes: everything has its place, ticks are in order and in sight, and what a logarithm cannot show stands at the edge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { axisPlan, axisText } from "../../src/report/charts/axis-scale.js";
import type { AxisScale, ChartSpec } from "../../src/report/charts/chart-spec.js";

function spec(scale: AxisScale, unit: string, values: readonly number[]): ChartSpec {
  const axis = { label: "", unit, scale, ticks: [...new Set(values)].sort((a, b) => a - b) };
  return {
    id: "x",
    title: "",
    conditions: "",
    reading: "",
    x: axis,
    y: axis,
    series: [{ name: "", colour: 0, dash: 0, marker: null, points: values.map((value) => [value, value]) }],
  };
}

const KINDS: readonly (readonly [AxisScale, string, fc.Arbitrary<number>])[] = [
  ["linear", "writes/s", fc.double({ min: 0, max: 1e7, noNaN: true })],
  ["linear", "seconds", fc.double({ min: 0, max: 1e5, noNaN: true })],
  ["log", "ns", fc.double({ min: 1, max: 3.6e12, noNaN: true })],
  ["log", "percent", fc.double({ min: -99, max: 1e5, noNaN: true })],
  ["log", "bytes", fc.integer({ min: 512, max: 2 ** 46 })],
  ["log", "times", fc.double({ min: 1e-4, max: 1e4, noNaN: true })],
  ["log2", "nodes", fc.integer({ min: 1, max: 64 })],
  ["percentile", "percentile", fc.double({ min: 0, max: 99.99, noNaN: true })],
];

for (const [scale, unit, value] of KINDS) {
  test(`${scale} of ${unit}`, () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const plan = axisPlan(spec(scale, unit, values), "x");
        assert.ok(plan.max > plan.min);
        for (const one of values) {
          const at = plan.position(one);
          assert.ok(
            at >= plan.min - 1e-9 && at <= plan.max + 1e-9,
            `${one} at ${at} of ${plan.min} to ${plan.max}`,
          );
        }
        const places = plan.ticks.map(([position]) => position);
        assert.deepEqual(
          places,
          [...places].sort((a, b) => a - b),
        );
        assert.ok(places.length >= 1 && places.length <= 64);
        assert.ok(places.every((place) => place >= plan.min - 1e-9 && place <= plan.max + 1e-9));
        assert.equal(new Set(plan.ticks.map(([, text]) => text)).size, plan.ticks.length, "no text twice");
      }),
    );
  });
}

test("figures next to nothing have texts of their own", () => {
  const plan = axisPlan(spec("log", "percent", [1.0000000000000003e-9]), "x");
  assert.equal(new Set(plan.ticks.map(([, text]) => text)).size, plan.ticks.length);
  assert.equal(axisText(2e-9, "percent"), "0.000000002 %");
  assert.match(axisText(Number.MIN_VALUE, "percent"), /^0\.0+ %$/);
});

test("what is not above 0 stands on the lower edge of a logarithm, which says so", () => {
  const plan = axisPlan(spec("log", "percent", [-3, 0, 4, 80]), "y");
  assert.equal(plan.position(-3), plan.min);
  assert.equal(plan.position(0), plan.min);
  assert.ok(plan.position(4) > plan.min);
  assert.match(plan.ticks[0]?.[1] ?? "", /^≤/);
});

test("texts have units and no digits that say nothing", () => {
  assert.deepEqual(
    [
      axisText(2e6, "ns"),
      axisText(0, "ns"),
      axisText(150e3, "ns"),
      axisText(2 ** 32, "bytes"),
      axisText(0.5, "times"),
    ],
    ["2 ms", "0", "150 µs", "4 GiB", "0.5 ×"],
  );
  assert.deepEqual([axisText(99.9, "percentile"), axisText(20_000, "writes/s")], ["p99.9", "20\u202f000"]);
});
