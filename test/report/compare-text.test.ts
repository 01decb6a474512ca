import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { compareResults } from "../../src/compare/compare-results.js";
import { comparisonText } from "../../src/report/compare-text.js";
import { PLAIN, terminalStyle } from "../../src/report/terminal-style.js";
import { around, madeResult } from "../compare/made-result.js";

const side = (middle: number) =>
  madeResult([
    { labels: { bitmap: "on", nodes: 4 }, figures: { "write_latency_ns:p50": around(middle, 2) } },
    { labels: { bitmap: "off", nodes: 4 }, figures: { "write_latency_ns:p50": around(500_000, 2) } },
  ]);
const comparison = compareResults(
  { name: "base.json", result: side(400_000) },
  { name: "head.json", result: side(520_000) },
  { metrics: [], alpha: 0.01, thresholdPercent: null, anyway: false, calibration: null },
);

test("colours only on a terminal that wants them", () => {
  const stream = { isTTY: true, columns: 200 } as const;
  const coloured = comparisonText(comparison, [], terminalStyle(stream, {}));
  assert.ok(coloured.includes("\u001b[33m"));
  const plain = comparisonText(comparison, [], terminalStyle(stream, { NO_COLOR: "1" }));
  assert.ok(!plain.includes("\u001b"));
  assert.equal(stripVTControlCharacters(coloured), plain);
});

test("a narrow terminal goes without floor and interval, never without change and verdict", () => {
  const narrow = comparisonText(comparison, [], { colours: false, widthColumns: 80 });
  assert.ok(
    narrow.split("\n").every((line) => line.length <= 80),
    narrow,
  );
  const row = narrow.split("\n").find((line) => line.includes("with bitmap")) ?? "";
  assert.match(row, /\+30\.0 %.*regressed$/);
  assert.doesNotMatch(narrow, /95 % interval {2}/);
});

test("columns stand under their titles", () => {
  const lines = comparisonText(comparison, ["A sentence more."], PLAIN).split("\n");
  const title = lines.find((line) => /BASE +HEAD +change/.test(line)) ?? "";
  const row = lines.find((line) => line.includes("with bitmap")) ?? "";
  for (const [word, figure] of [
    ["HEAD", "520 ± 0.6 %"],
    ["change", "+30.0 %"],
  ] as const) {
    assert.equal(title.indexOf(word) + word.length, row.indexOf(figure) + figure.length, word);
  }
  assert.ok(lines.includes("  A sentence more."));
});
