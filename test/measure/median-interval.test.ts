import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { medianInterval } from "../../src/measure/median-interval.js";

test("six samples reach 95 % with the whole range, five do not and say so", () => {
  assert.deepEqual(medianInterval([6, 1, 5, 2, 4, 3]), {
    median: 3.5,
    low: 1,
    high: 6,
    confidence: 1 - 2 / 64,
  });
  const five = medianInterval([1, 2, 3, 4, 5]);
  assert.deepEqual(five, { median: 3, low: 1, high: 5, confidence: 1 - 2 / 32 });
});

test("twelve samples leave out two at each end (Conover's table: ranks 3 and 10)", () => {
  const samples = Array.from({ length: 12 }, (_, index) => index + 1);
  const interval = medianInterval(samples);
  assert.equal(interval?.low, 3);
  assert.equal(interval?.high, 10);
  assert.ok(Math.abs((interval?.confidence ?? 0) - 0.9614) < 5e-4);
});

test("no samples, no interval; one sample has no confidence", () => {
  assert.equal(medianInterval([]), null);
  assert.deepEqual(medianInterval([4]), { median: 4, low: 4, high: 4, confidence: 0 });
});

test("the median of two samples is theirs also where their sum is no double, or their half would be none", () => {
  const { MAX_VALUE, MIN_VALUE } = Number;
  assert.equal(medianInterval([MAX_VALUE, MAX_VALUE])?.median, MAX_VALUE);
  assert.equal(medianInterval([-MAX_VALUE, MAX_VALUE])?.median, 0);
  assert.equal(medianInterval([MIN_VALUE, MIN_VALUE])?.median, MIN_VALUE);
});

test("the interval encloses the median and reaches what was asked where it can", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 6, maxLength: 60 }),
      (samples) => {
        const interval = medianInterval(samples);
        assert.ok(interval !== null && interval.confidence >= 0.95);
        assert.ok(interval.low <= interval.median && interval.median <= interval.high);
      },
    ),
  );
});
