import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chunkAdvice, chunkForAll } from "../../src/compare/chunk-advice.js";
import type { TrialRecord } from "../../src/measure/trial-record.js";
import { chunkAdviceLines } from "../../src/report/chunk-advice-table.js";
import { PLAIN } from "../../src/report/terminal-style.js";
import { chunkAdviceSchema } from "../../src/results/chunk-advice-schema.js";

const KIB = 1024;

/** Trials with the bitmap at one rate, made up: chunk, taxes of its pairs, bytes to resync. */
function curve(
  points: readonly { chunkBytes: number; taxes: readonly number[]; dirtyBytes: number }[],
  labels: TrialRecord["labels"] = {},
): TrialRecord[] {
  return points.flatMap(({ chunkBytes, taxes, dirtyBytes }) =>
    taxes.map((tax, round) => ({
      id: `${chunkBytes}/${JSON.stringify(labels)}/${round}`,
      pair: round,
      suite: "chunk-sweep",
      labels: {
        bitmap: "on",
        loop: "open",
        nodes: 4,
        workload: "uniform",
        workingSet: "all",
        writeBytes: 4096,
        ratePercent: 10,
        chunkBytes,
        ...labels,
      },
      phase: "steady" as const,
      startedAt: "2026-01-01T00:00:00.000Z",
      durationNs: 1e9,
      metrics: {
        bitmap_tax_percent: { unit: "percent", direction: "lower" as const, value: tax, count: 1 },
        dirty_bytes: {
          unit: "bytes",
          direction: "lower" as const,
          mean: dirtyBytes,
          max: 2 * dirtyBytes,
          count: 4,
        },
        offered_iops: { unit: "writes/s", direction: "higher" as const, value: 800, count: 1 },
      },
      histograms: {},
    })),
  );
}

/** As measured: small chunks dear, large ones cheap, with a bend in between. */
const bent = [
  { chunkBytes: 256 * KIB, taxes: [40, 41, 42, 43, 44, 45], dirtyBytes: 100e6 },
  { chunkBytes: 1024 * KIB, taxes: [20, 21, 22, 23, 24, 25], dirtyBytes: 400e6 },
  { chunkBytes: 4096 * KIB, taxes: [3, 3.1, 3.2, 3.3, 3.4, 3.5], dirtyBytes: 1.5e9 },
  { chunkBytes: 16384 * KIB, taxes: [2.9, 3, 3.1, 3.2, 3.3, 3.4], dirtyBytes: 6e9 },
];

test("the chunk to use is the one with the fewest bytes to resync among those within two points of the lowest tax", () => {
  const [advice] = chunkAdvice(curve(bent));
  assert.equal(advice?.verdict, "use");
  assert.equal(advice?.chunkBytes, 4096 * KIB);
  assert.equal(advice?.kneeChunkBytes, 4096 * KIB);
  assert.equal(advice?.shares.length, 1);
  assert.ok(Math.abs((advice?.shares[0]?.share ?? 0) - 1) < 1e-9);
  assert.equal(advice?.points[0]?.taxPercent.median, 42.5);
  assert.equal(advice?.offeredPerSecond, 800);
  assert.ok(chunkAdviceSchema.safeParse(advice).success);
});

test("taxes that all lie within two points do not matter, and the fewest bytes to resync win", () => {
  const [advice] = chunkAdvice(
    curve(
      bent.map((point, index) => ({
        ...point,
        taxes: [0, 0.1, 0.2, 0.3, 0.1, 0.2].map((tax) => tax + index / 5),
      })),
    ),
  );
  assert.equal(advice?.verdict, "doesNotMatter");
  assert.equal(advice?.chunkBytes, 256 * KIB);
});

test("where resamples name several chunks the advice is undecided, and says which", () => {
  const [advice] = chunkAdvice(
    curve([
      { chunkBytes: 256 * KIB, taxes: [1, 4, 9, 2, 8, 3], dirtyBytes: 1e6 },
      { chunkBytes: 1024 * KIB, taxes: [2, 1, 8, 3, 9, 2], dirtyBytes: 4e6 },
    ]),
  );
  assert.equal(advice?.verdict, "undecided");
  assert.equal(advice?.shares.length, 2);
});

test("a single pair decides nothing, however clear it looks", () => {
  const [advice] = chunkAdvice(curve(bent.map((point) => ({ ...point, taxes: point.taxes.slice(0, 1) }))));
  assert.equal(advice?.chunkBytes, 4096 * KIB);
  assert.equal(advice?.verdict, "undecided");
});

test("trials that had not settled or lacked a member give no advice, and are counted", () => {
  const trials = curve(bent).map((trial, index) =>
    index % 6 === 0 ? { ...trial, phase: "notSteady" as const } : index % 6 === 1 ? degraded(trial) : trial,
  );
  const [advice] = chunkAdvice(trials);
  assert.ok(advice?.points.every(({ pairs, leftOut }) => pairs === 4 && leftOut === 2));
  assert.deepEqual(chunkAdvice(curve(bent).map((trial) => ({ ...trial, phase: "notSteady" as const }))), []);
});

function degraded(trial: TrialRecord): TrialRecord {
  return { ...trial, labels: { ...trial.labels, degraded: true } };
}

test("each rate and working set has an advice of its own; closed loops and lone chunks have none", () => {
  const trials = [
    ...curve(bent),
    ...curve(bent, { ratePercent: 50 }),
    ...curve(bent, { workingSet: "10%" }),
    ...curve(bent, { loop: "closed" }),
    ...curve(bent.slice(0, 1), { ratePercent: 1 }),
  ];
  const advices = chunkAdvice(trials);
  assert.deepEqual(
    advices.map(({ setting }) => [setting.ratePercent, setting.workingSet]),
    [
      [10, "all"],
      [50, "all"],
      [10, "10%"],
    ],
  );
});

test("one chunk for all settings is the smallest that is good enough in each", () => {
  const late = bent.map((point, index) => ({
    ...point,
    taxes: index < 3 ? [30, 31, 32, 33, 34, 35] : point.taxes,
  }));
  const advices = chunkAdvice([...curve(bent), ...curve(late, { ratePercent: 50 })]);
  assert.equal(chunkForAll(advices), 16384 * KIB);
  assert.equal(chunkForAll(advices.slice(0, 1)), 4096 * KIB);
});

test("shares are probabilities: they add up to 1, and agree with resampling by lot", () => {
  const taxes = fc.array(fc.double({ min: -10, max: 50, noNaN: true }), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(fc.array(taxes, { minLength: 2, maxLength: 5 }), (all) => {
      const [advice] = chunkAdvice(
        curve(
          all.map((of, index) => ({ chunkBytes: 4096 << index, taxes: of, dirtyBytes: 1e6 * (index + 1) })),
        ),
      );
      const sum = advice?.shares.reduce((total, { share }) => total + share, 0) ?? 0;
      // Shares under half a percent are left out.
      assert.ok(sum > 1 - 0.005 * all.length && sum < 1 + 1e-9, String(sum));
    }),
  );

  const samples = [
    [5, 9, 1, 12, 7, 3],
    [4, 6, 2, 8, 5, 1],
    [3, 2, 4, 1, 6, 5],
  ];
  const [advice] = chunkAdvice(
    curve(samples.map((of, index) => ({ chunkBytes: 4096 << index, taxes: of, dirtyBytes: index + 1 }))),
  );
  const drawn = byLot(samples, 40_000);
  for (const [index, expected] of drawn.entries()) {
    const share = advice?.shares.find(({ chunkBytes }) => chunkBytes === 4096 << index)?.share ?? 0;
    assert.ok(Math.abs(share - expected) < 0.015, `${index}: ${share} against ${expected}`);
  }
});

/** The rule applied to resamples that are drawn: how often each sample is the first within two points of the lowest median. */
function byLot(samples: readonly (readonly number[])[], draws: number): number[] {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const counts = samples.map(() => 0);
  for (let draw = 0; draw < draws; draw++) {
    const medians = samples.map((sample) => {
      const again = sample.map(() => sample[Math.floor(random() * sample.length)] ?? 0).sort((a, b) => a - b);
      return ((again[2] ?? 0) + (again[3] ?? 0)) / 2;
    });
    const lowest = Math.min(...medians);
    const chosen = medians.findIndex((one) => one <= lowest + 2);
    counts[chosen] = (counts[chosen] ?? 0) + 1;
  }
  return counts.map((count) => count / draws);
}

test("the table names the rate and the working set that the advice holds for, its cost and how sure it is", () => {
  const style = PLAIN;
  const lines = chunkAdviceLines(chunkAdvice([...curve(bent), ...curve(bent, { workingSet: "10%" })]), style);
  const text = lines.join("\n");
  assert.match(
    text,
    /At 10 % of the maximum \(800 writes\/s\) over all of the array, 4 nodes, uniform writes of 4K: use 4M \(over 99 % of resamples agree\)\. Its tax on writes is \+3\.25 %/,
  );
  assert.match(text, /over 10 % of the array/);
  assert.match(text, /^ +4M .*use, knee$/m);
  assert.match(text, /For all of these together: 4M/);
  assert.deepEqual(chunkAdviceLines([], style), []);
});
