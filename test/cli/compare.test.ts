import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SaxesParser } from "saxes";
import { CALIBRATION_FILE, type Calibration, writeCalibration } from "../../src/results/calibration.js";
import type { Result } from "../../src/results/schema.js";
import { writeResult } from "../../src/results/store.js";
import { around, madeResult } from "../compare/made-result.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { type Outcome, runSlotmark } from "./run-slotmark.js";

const LABELS = { bitmap: "on", nodes: 4, chunkBytes: 65536 };

function latencies(middle: number, spreadPercent = 2, count = 12): Result {
  return madeResult([
    { labels: LABELS, figures: { "write_latency_ns:p50": around(middle, spreadPercent, count) } },
    {
      labels: { ...LABELS, chunkBytes: 131072 },
      figures: { "write_latency_ns:p50": around(500_000, spreadPercent, count) },
    },
  ]);
}

interface Files {
  readonly base: string;
  readonly head: string;
}

function written(context: TestContext, base: Result, head: Result): Files {
  const folder = temporaryFolder(context);
  const files = { base: join(folder, "base.json"), head: join(folder, "head.json") };
  writeResult(files.base, base);
  writeResult(files.head, head);
  return files;
}

function compare({ base, head }: Files, ...options: string[]): Outcome {
  return runSlotmark(["compare", base, head, ...options]);
}

const SAME = latencies(400_000);
const SLOWER = latencies(520_000);
const NOISY = latencies(400_000, 120);
const FEW = latencies(400_000, 2, 2);
const ELSEWHERE: Result = { ...SAME, environment: { ...SAME.environment, hostname: "elsewhere" } };

for (const [code, what, head, word] of [
  [0, "unchanged", SAME, "Unchanged"],
  [1, "regressed", SLOWER, "Regressed"],
  [3, "not comparable", ELSEWHERE, "Not comparable"],
  [5, "too much noise", NOISY, "Inconclusive"],
  [5, "too few trials", FEW, "Inconclusive"],
] as const) {
  test(`exit ${code} in every format: ${what}`, (context) => {
    const files = written(context, SAME, head);
    for (const format of ["text", "markdown", "json", "junit", "github"]) {
      const outcome = compare(files, "--format", format);
      assert.equal(outcome.code, code, `${format}: ${outcome.stderr}${outcome.stdout}`);
      assert.equal(outcome.stderr, "", format);
      assert.ok(outcome.stdout.includes(word), `${format}: ${outcome.stdout}`);
      assert.ok(outcome.stdout.endsWith("\n"));
    }
  });
}

test("exit 0 and improved the other way round", (context) => {
  const { code, stdout } = compare(written(context, SLOWER, SAME));
  assert.equal(code, 0);
  assert.match(stdout, /^Improved: 1 of 2 figures is better/m);
});

test("the table: medians with their interval, change, p, n, floor, geometric mean, verdict last", (context) => {
  const { stdout } = compare(written(context, SAME, SLOWER));
  const lines = stdout.split("\n");
  assert.ok(lines.some((line) => /^write_latency_ns:p50, µs \(lower is better\)$/.test(line)));
  const row = lines.find((line) => line.includes("chunk 64K"));
  assert.match(
    row ?? "",
    /400 ± 0\.6 % +520 ± 0\.6 % +\+30\.0 % +\+29\.0 % to \+31\.0 % +<0\.001 +12 +10 % +regressed$/,
  );
  assert.match(lines.find((line) => line.includes("chunk 128K")) ?? "", / ~ /);
  assert.match(lines.find((line) => line.includes("geomean")) ?? "", /447 +510 +\+14\.0 %$/);
  assert.match(lines.at(-2) ?? "", /^Regressed: 1 of 2 figures is worse/);
  assert.ok(!stdout.includes("\u001b"), "no colours where there is no terminal");
});

test("JSON is one document with figures, notes and, unless all is well, an error", (context) => {
  const regressed = JSON.parse(compare(written(context, SAME, SLOWER), "--json").stdout);
  assert.equal(regressed.verdict, "regressed");
  assert.equal(regressed.error.code, "regressed");
  assert.equal(regressed.figures[0].method, "exact");
  assert.ok(regressed.figures[0].adjustedP < 1e-5 && regressed.figures[0].floor.from === "assumed");
  assert.ok(regressed.notes.some((note: string) => /noise floor of this machine is not known/.test(note)));
  const differs = JSON.parse(compare(written(context, SAME, ELSEWHERE), "--json").stdout);
  assert.equal(differs.error.code, "not-comparable");
  assert.deepEqual(differs.differences, [
    { kind: "machine", field: "environment.hostname", base: "host", head: "elsewhere" },
  ]);
  assert.equal("error" in JSON.parse(compare(written(context, SAME, SAME), "--json").stdout), false);
});

test("--anyway compares what differs, and every format says so", (context) => {
  const files = written(context, SAME, { ...SLOWER, environment: ELSEWHERE.environment });
  for (const format of ["text", "markdown", "json", "junit", "github"]) {
    const { code, stdout } = compare(files, "--anyway", "--format", format);
    assert.equal(code, 1, format);
    assert.match(stdout, /anyway/, format);
    assert.match(stdout, /environment\.hostname/, format);
  }
});

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Strict: throws at anything that is not well-formed XML 1.0. */
function elementsOf(xml: string): Element[] {
  const found: Element[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => found.push({ name, attributes }));
  parser.write(xml).close();
  return found;
}

test("JUnit XML is well-formed whatever a result holds, with a failed case for a regression", (context) => {
  const hostile = (result: Result): Result => ({
    ...result,
    trials: result.trials.map((trial) => ({
      ...trial,
      labels: { ...trial.labels, note: `a"<>&'\u0000\u001b]]>${trial.labels.chunkBytes}\ud800` },
    })),
  });
  const { code, stdout } = compare(written(context, hostile(SAME), hostile(SLOWER)), "--format", "junit");
  assert.equal(code, 1);
  const elements = elementsOf(stdout);
  const suite = elements.find(({ name }) => name === "testsuite")?.attributes ?? {};
  assert.deepEqual([suite.tests, suite.failures, suite.errors], ["2", "1", "0"]);
  assert.equal(elements.filter(({ name }) => name === "testcase").length, 2);
  assert.equal(elements.filter(({ name }) => name === "failure").length, 1);
});

test("GitHub annotations: one line each, none of which a result's text can break out of", (context) => {
  const hostile = (result: Result): Result => ({
    ...result,
    trials: result.trials.map((trial) => ({
      ...trial,
      labels: { ...trial.labels, note: `50%\n::error::x${trial.labels.chunkBytes}` },
    })),
  });
  const { stdout } = compare(written(context, hostile(SAME), hostile(SLOWER)), "--format", "github");
  const lines = stdout.trimEnd().split("\n");
  assert.ok(
    lines.length === 2 && lines.every((line) => /^::(error|warning|notice) title=[^:,]*::\S/.test(line)),
    stdout,
  );
  assert.match(
    lines[0] ?? "",
    /^::error title=slotmark%3A write_latency_ns%3Ap50 regressed::.*50%25%0A::error::x/,
  );
});

test("Markdown: nothing of a result ends a cell or becomes markup", (context) => {
  const hostile = (result: Result): Result => ({
    ...result,
    trials: result.trials.map((trial) => ({
      ...trial,
      labels: { ...trial.labels, note: `<b>|\n**${trial.labels.chunkBytes}` },
    })),
  });
  const { stdout } = compare(written(context, hostile(SAME), hostile(SLOWER)), "--format", "markdown");
  const rows = stdout.split("\n").filter((line) => line.startsWith("|"));
  for (const row of rows) assert.equal(row.split(/(?<!\\)\|/).length, 11, row);
  assert.doesNotMatch(stdout, /(?<!\\)<b>/);
  assert.match(stdout, /\*\*regressed\*\*/);
});

function calibrationOf(result: Result, floorPercent: number): Calibration {
  const { environment, backends, slotmark } = result;
  const floors = result.trials.map(({ suite, phase, labels }) => ({
    ...{ suite, phase, labels, metric: "write_latency_ns", figure: "p50" as const },
    ...{ trials: 48, trialsPerSide: 12, withinPercent: floorPercent, betweenRunsPercent: 0, floorPercent },
  }));
  return {
    ...{ calibrationVersion: 1, slotmark, createdAt: "2026-01-01T00:00:00.000Z", environment, backends },
    ...{
      runs: 4,
      quantile: 0.99,
      confidence: 0.95,
      resamples: 40,
      draws: 400,
      seed: 1,
      preflush: null,
      floors,
    },
  };
}

test("a calibration beside HEAD is used, one of another machine is not, and refused where it was named", (context) => {
  const files = written(context, SAME, latencies(420_000));
  assert.equal(compare(files).code, 0, "5 % are within what is assumed");
  const beside = join(files.head, "..", CALIBRATION_FILE);
  writeCalibration(beside, calibrationOf(SAME, 1));
  const used = compare(files);
  assert.equal(used.code, 1);
  assert.match(
    used.stdout,
    /Noise floors are those of .*slotmark-calibration\.json, measured on 2026-01-01\./,
  );

  writeCalibration(beside, calibrationOf(ELSEWHERE, 1));
  const unused = compare(files);
  assert.equal(unused.code, 0);
  assert.match(
    unused.stdout,
    /noise floors of another machine.*environment\.hostname elsewhere, here host.*not used/,
  );
  const named = compare(files, "--calibration", beside);
  assert.equal(named.code, 3);
  assert.match(named.stderr, /noise floors of another machine/);
});

test("exit 4: no baseline yet, no trials, no metric in common", (context) => {
  const files = written(context, SAME, SAME);
  const none = runSlotmark(["compare", join(files.base, "..", "none.json"), files.head]);
  assert.deepEqual([none.code, none.stdout], [4, ""]);
  assert.match(none.stderr, /none\.json: there is no such file, so there is no baseline/);
  for (const options of [
    ["--metric", "lock_latency_ns*"],
    ["--metric", "*:p999"],
  ]) {
    const outcome = compare(files, ...options);
    assert.equal(outcome.code, 4);
    assert.match(outcome.stderr, /no metric in common matches .*\n.*write_latency_ns/);
  }
  const empty = compare(written(context, SAME, madeResult([])));
  assert.equal(empty.code, 4);
  assert.match(empty.stderr, /head\.json holds no trial: field trials is empty/);
});

for (const [what, change, expected] of [
  ["not JSON", () => "hello", /head\.json: not JSON/],
  ["empty", () => "", /head\.json: not JSON/],
  ["not a result", () => '{"hello": 1}', /head\.json: field schemaVersion/],
  ["a list", () => "[]", /head\.json: /],
  ["NaN", (text: string) => text.replace(/"p50": [\d.]+/, '"p50": NaN'), /head\.json: not JSON .*NaN/],
  [
    "a figure that is null",
    (text: string) => text.replace(/"p50": [\d.]+/, '"p50": null'),
    /field trials\[0\]\.metrics\.write_latency_ns\.p50: .*expected number/,
  ],
  [
    "a figure beyond all numbers",
    (text: string) => text.replace(/"p50": [\d.]+/, '"p50": 1e999'),
    /field trials\[0\]\.metrics\.write_latency_ns\.p50/,
  ],
  [
    "truncated",
    (text: string) => text.slice(0, text.length / 2),
    /head\.json: cut off: the JSON ends in the middle, after \d+ characters/,
  ],
  [
    "truncated inside a string",
    (text: string) => text.slice(0, text.indexOf("steady") + 3),
    /head\.json: cut off/,
  ],
  [
    "a newer schema",
    (text: string) => text.replace('"schemaVersion": 1', '"schemaVersion": 7, "what": "new"'),
    /field schemaVersion: 7, and this slotmark reads up to 1.*\nUpdate slotmark/,
  ],
  [
    "a journal",
    () => '{"journal":"slotmark","schemaVersion":1}\n',
    /the journal of a run that has not ended.*\n.*--resume/,
  ],
  [
    "other units",
    (text: string) => text.replaceAll('"unit": "ns"', '"unit": "µs"'),
    /write_latency_ns has unit "ns" in .*base\.json, trial \S+ and "µs" in .*head\.json, trial/,
  ],
] as const) {
  test(`exit 2 and what is wrong where: ${what}`, (context) => {
    const files = written(context, SAME, SAME);
    const text = readFileSync(files.head, "utf8");
    writeFileSync(files.head, change(text));
    const { code, stdout, stderr } = compare(files);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, expected);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });
}

test("exit 2: an absent HEAD, a folder, options out of range", (context) => {
  const files = written(context, SAME, SAME);
  const folder = join(files.base, "..", "folder.json");
  mkdirSync(folder);
  for (const head of [folder, join(folder, "none.json")]) assert.equal(compare({ ...files, head }).code, 2);
  for (const [options, expected] of [
    [["--alpha", "0"], /--alpha takes a probability/],
    [["--alpha", "5%"], /--alpha takes a probability/],
    [["--threshold", "-3"], /--threshold takes a percentage/],
    [["--format", "html"], /--format/],
    [["--metric", ""], /--metric takes a pattern/],
    [["--calibration", folder], /folder\.json/],
  ] as const) {
    const { code, stderr } = compare(files, ...options);
    assert.equal(code, 2, options.join(" "));
    assert.match(stderr, expected);
  }
});

test("versions of slotmark and Node may differ: that is what is compared", (context) => {
  const newer: Result = {
    ...SAME,
    slotmark: { version: "9.0.0", commit: "f".repeat(40) },
    environment: { ...SAME.environment, node: "v30.0.0" },
  };
  const { code, stdout } = compare(written(context, SAME, newer));
  assert.equal(code, 0);
  assert.match(stdout, /slotmark 9\.0\.0 \(ffffffffffff\), Node v30\.0\.0/);
});
