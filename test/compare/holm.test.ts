import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holm } from "../../src/compare/holm.js";

/** R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm"), and the example with one that reaches 1. */
test("adjusts as R's p.adjust does", () => {
  const close = (found: number[], expected: number[]) =>
    expected.forEach((value, index) => {
      assert.ok(Math.abs((found[index] ?? 2) - value) < 1e-15);
    });
  close(holm([0.01, 0.02, 0.03, 0.04, 0.05]), [0.05, 0.08, 0.09, 0.09, 0.09]);
  close(holm([0.04, 0.01, 0.6, 0.9]), [0.12, 0.04, 1, 1]);
  assert.deepEqual(holm([]), []);
});

test("lies between the p-values and Bonferroni's, in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (pValues) => {
      const adjusted = holm(pValues);
      pValues.forEach((p, index) => {
        const found = adjusted[index] ?? -1;
        assert.ok(found >= p && found <= Math.min(1, p * pValues.length) + 1e-15);
      });
      const order = pValues.map((_, index) => index).sort((a, b) => (pValues[a] ?? 0) - (pValues[b] ?? 0));
      order.forEach((index, place) => {
        const before = order[place - 1];
        if (before !== undefined) assert.ok((adjusted[before] ?? 0) <= (adjusted[index] ?? 0));
      });
    }),
  );
});
