import assert from "node:assert/strict";
import { test } from "node:test";
import { resultTable } from "../../src/report/table.js";
import { PLAIN, terminalStyle } from "../../src/report/terminal-style.js";
import type { Result, Trial } from "../../src/results/schema.js";
import { sampleResult } from "../results/sample.js";

const LATENCIES_MS = { on: [3, 5, 4], off: [1, 2, 1.5] };

/** Three pairs whose medians are plain to see: 4 ms with the bitmap, 1.5 ms without. */
function pairedResult(): Result {
  const result = sampleResult();
  result.trials = (["on", "off"] as const).flatMap((bitmap) =>
    LATENCIES_MS[bitmap].map((ms, pair): Trial => {
      const latency = { unit: "ns", direction: "lower" as const, count: 100 };
      return {
        id: `${bitmap}${pair}`,
        pair,
        suite: "quick",
        phase: "steady",
        labels: { bitmap, nodes: 4, chunkBytes: 65536, ratePerSecond: 0, plannedPhase: "steady" },
        startedAt: "2026-01-02T03:04:06.000Z",
        durationNs: 1e9,
        histograms: {},
        metrics: {
          write_latency_ns: { ...latency, mean: ms * 1e6, p99: ms * 2e6, max: ms * 1e9 },
          ...(bitmap === "on"
            ? {
                bitmap_tax_percent: {
                  unit: "percent",
                  direction: "lower" as const,
                  value: 100 * ms,
                  count: 100,
                },
              }
            : {}),
        },
      };
    }),
  );
  return result;
}

test("headline first, medians with quartiles in the middle, warnings last", () => {
  const lines = resultTable(pairedResult(), PLAIN).trimEnd().split("\n");
  assert.equal(lines[0], "slotmark quick");
  assert.equal(lines[1], "  nodes 4, chunk 64K");
  assert.match(lines[3] ?? "", /^Bitmap tax/);
  assert.equal(lines[4], "  steady  +400 %  (+300 % to +500 %, 75 % interval of 3 pairs)");
  assert.match(lines[6] ?? "", /^steady: 3 trials each +with bitmap +without$/);
  assert.match(
    lines[7] ?? "",
    /^ {2}write_latency_ns +mean +ms +4\.00 \(3\.50 to 4\.50\) +1\.50 \(1\.25 to 1\.75\)$/,
  );
  assert.match(lines[9] ?? "", /^ +max +s +4\.00 .* 1\.50 /);
  assert.match(lines.at(-1) ?? "", /quick is not for gating$/);
});

test("a narrow terminal gets medians without ranges, and no line is longer than it is wide", () => {
  const table = resultTable(pairedResult(), { colours: false, widthColumns: 60 });
  assert.match(table, /write_latency_ns +mean +ms +4\.00 +1\.50$/m);
  const tooLong = table
    .split("\n")
    .filter((line) => line.length > 60 && !/^Bitmap tax|interval|^Figures/.test(line));
  assert.deepEqual(tooLong, []);
});

test("colours only on a terminal, and never against NO_COLOR", () => {
  const terminal = { isTTY: true, columns: 100 };
  assert.deepEqual(terminalStyle(terminal, {}), { colours: true, widthColumns: 100 });
  assert.deepEqual(terminalStyle(terminal, { NO_COLOR: "1" }), { colours: false, widthColumns: 100 });
  assert.deepEqual(terminalStyle(terminal, { TERM: "dumb" }), { colours: false, widthColumns: 100 });
  assert.deepEqual(terminalStyle({ isTTY: false, columns: 0 }, {}), PLAIN);
  const plain = resultTable(pairedResult(), PLAIN);
  const coloured = resultTable(pairedResult(), { ...PLAIN, colours: true });
  assert.ok(!plain.includes("\u001b"));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is looked for
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ""), plain);
});

test("differing labels part the groups, one trial has no range, one pair no interval", () => {
  const result = pairedResult();
  result.trials = result.trials.filter((trial) => trial.pair === 0);
  const bigger = structuredClone(result.trials).map((trial) => ({
    ...trial,
    id: `big-${trial.id}`,
    labels: { ...trial.labels, chunkBytes: 1 << 26 },
  }));
  result.trials.push(...bigger);
  const table = resultTable(result, PLAIN);
  assert.match(table, /^ {2}steady, chunk 64K +\+300 % +\(one pair, so no interval\)$/m);
  assert.match(table, /^ {2}steady, chunk 64M +\+300 %/m);
  assert.match(table, /^steady, chunk 64M: 1 trial each/m);
  assert.match(table, /write_latency_ns +mean +ms +3\.00 +1\.00$/m);
});

test("a trial without a bitmap stands beside its twin, whatever phase that reached", () => {
  const result = pairedResult();
  for (const trial of result.trials) if (trial.labels.bitmap === "on") trial.phase = "notSteady";
  const table = resultTable(result, PLAIN);
  assert.match(table, /^notSteady: 3 trials each +with bitmap +without$/m);
  assert.doesNotMatch(table, /^steady/m);
  assert.match(table, /^ {2}notSteady +\+400 % +\(.*had not settled, so no advice\)$/m);
});

test("a suite without a bitmap label, and a result without trials, are shown as well", () => {
  const result = sampleResult();
  for (const trial of result.trials) trial.labels = { op: "request" };
  assert.match(resultTable(result, PLAIN), /^quick: 2 trials\n {2}write_latency_ns +mean +µs +1\.10 /m);
  result.trials = [];
  assert.match(resultTable(result, PLAIN), /quick is not for gating/);
});
