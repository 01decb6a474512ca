import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSizeBytes, parseTimeMs } from "../../src/scenario/quantities.js";

test("sizes are powers of 1024", () => {
  assert.deepEqual(
    ["512", "64K", "4M", "1T", "100g"].map(parseSizeBytes),
    [512, 65_536, 4_194_304, 1_099_511_627_776, 107_374_182_400],
  );
});

test("times are milliseconds, seconds, minutes or hours", () => {
  assert.deepEqual(
    ["500ms", "2s", "0.5s", "30min", "2h"].map(parseTimeMs),
    [500, 2000, 500, 1_800_000, 7_200_000],
  );
});

for (const text of ["", "0", "-4K", "4.5K", "64KB", "1e3", "K", "9999999999T", "NaN"]) {
  test(`"${text}" is no size, and the error says how both are written`, () => {
    assert.throws(() => parseSizeBytes(text), { code: "size-invalid", kind: "usage", remedy: /64K.*500ms/ });
  });
}

for (const text of ["", "0s", "5", "2 min", "-1s", "ms", "1d"]) {
  test(`"${text}" is no time, and the error says how both are written`, () => {
    assert.throws(() => parseTimeMs(text), { code: "time-invalid", kind: "usage", remedy: /64K.*500ms/ });
  });
}
