import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFigure, scaleFor } from "../../src/report/quantity.js";
import { spreadOf } from "../../src/report/spread.js";
import { formatSize } from "../../src/scenario/quantities.js";

test("figures have three significant digits and no exponent", () => {
  assert.deepEqual(
    [0, 1.2345, 12.345, 123.45, 1234.5, 0.012345, 0.99999, -3.2468, 1e9].map((figure) =>
      formatFigure(figure),
    ),
    ["0", "1.23", "12.3", "123", "1235", "0.0123", "1.000", "−3.25", "1\u202f000\u202f000\u202f000"],
  );
});

test("a unit is the largest in which the figure is at least one", () => {
  assert.deepEqual(
    [500, 1500, 2.5e6, 7e9].map((ns) => scaleFor("ns", ns).unit),
    ["ns", "µs", "ms", "s"],
  );
  assert.deepEqual(scaleFor("bytes", 3 * 2 ** 30), { unit: "GiB", size: 2 ** 30 });
  assert.deepEqual(scaleFor("writes/s", 12_345), { unit: "writes/s", size: 1 });
});

test("sizes are written as the command line takes them", () => {
  assert.deepEqual([512, 65_536, 4_194_304, 1_099_511_627_776, 1536].map(formatSize), [
    "512",
    "64K",
    "4M",
    "1T",
    "1536",
  ]);
});

test("median and quartiles interpolate between the figures", () => {
  assert.equal(spreadOf([]), undefined);
  assert.deepEqual(spreadOf([7]), { median: 7, lower: 7, upper: 7, count: 1 });
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, lower: 1.75, upper: 3.25, count: 4 });
});
