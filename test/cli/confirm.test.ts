import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../src/results/schema.js";
import { readResult, writeResult } from "../../src/results/store.js";
import { around, madeResult } from "../compare/made-result.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { callsIn, type MadeBuild, madeBuild } from "./made-build.js";
import { runSlotmark } from "./run-slotmark.js";

const FORMATS = ["text", "markdown", "json", "junit", "github"];

function ab(context: TestContext, b: MadeBuild) {
  const parent = temporaryFolder(context);
  const [one, other] = [madeBuild(parent, "one", { factor: 1 }), madeBuild(parent, "other", b)];
  const args = ["ab", one, other, "--confirm", "--json", "--quiet"];
  return { ...runSlotmark(args), rounds: callsIn(parent).length / 2 };
}

test("ab: what regresses twice fails, after as many fresh rounds", (context) => {
  const { code, stdout, rounds } = ab(context, { factor: 1.1 });
  assert.equal(code, 1, stdout);
  assert.equal(rounds, 24);
  const { summary, notes, confirmation } = JSON.parse(stdout);
  assert.match(
    summary,
    /^Regressed: .*The figure that was worse at first is confirmed by a second measurement\.$/,
  );
  assert.match(notes[0], /^Confirmed: write_latency_ns:p50 .*measured again: regressed/);
  assert.equal(confirmation.figures[0].confirmed, true);
});

test("ab: what does not regress again does not", (context) => {
  const { code, stdout, rounds } = ab(context, { factor: 1.1, untilSeed: 12 });
  assert.equal(code, 0, stdout);
  assert.equal(rounds, 24);
  const { verdict, summary, notes } = JSON.parse(stdout);
  assert.equal(verdict, "unchanged");
  assert.match(summary, /is not confirmed by a second measurement/);
  assert.match(notes[0], /^Not confirmed: .*measured again: unchanged/);
});

test("ab: where nothing regressed nothing is measured again", (context) => {
  const { code, stdout, rounds } = ab(context, { factor: 1 });
  assert.deepEqual([code, rounds], [0, 12], stdout);
  assert.equal(JSON.parse(stdout).confirmation, null);
});

test("compare: where HEAD cannot be measured again the regression stands, and every format says why", (context) => {
  const folder = temporaryFolder(context);
  const result = (middle: number) => madeResult([{ figures: { "write_latency_ns:p50": around(middle, 2) } }]);
  const [base, head] = [join(folder, "base.json"), join(folder, "head.json")];
  writeResult(base, result(400_000));
  writeResult(head, result(800_000));
  for (const format of FORMATS) {
    const { code, stdout } = runSlotmark(["compare", base, head, "--confirm", "--format", format]);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /could not be confirmed by a second measurement/, format);
    assert.match(stdout, /HEAD was measured by slotmark 0\.1\.0 \(unknown\), and this is/, format);
  }
});

/** The same trials with every latency times this. */
function scaled(result: Result, factor: number): Result {
  const trials = result.trials.map((trial) => ({
    ...trial,
    metrics: Object.fromEntries(
      Object.entries(trial.metrics).map(([name, metric]) => [
        name,
        metric.p50 === undefined ? metric : { ...metric, p50: metric.p50 * factor },
      ]),
    ),
  }));
  return { ...result, trials };
}

test("compare: HEAD's scenario is measured again on this machine, and compared with BASE", (context) => {
  const folder = temporaryFolder(context);
  const measured = join(folder, "measured.json");
  const run = ["messages", "--nodes", "2", "--time", "10ms", "--trials", "5", "--out", measured, "--quiet"];
  assert.equal(runSlotmark(["run", ...run]).code, 0);
  const result = readResult(measured);
  const [fast, slow] = [join(folder, "fast.json"), join(folder, "slow.json")];
  writeResult(fast, scaled(result, 1e-6));
  writeResult(slow, scaled(result, 1e6));
  const options = [
    "--metric",
    "message_latency_ns:p50",
    "--alpha",
    "0.05",
    "--anyway",
    "--json",
    "--confirm",
  ];

  const twice = runSlotmark(["compare", fast, measured, ...options]);
  assert.equal(twice.code, 1, twice.stdout + twice.stderr);
  assert.match(twice.stderr, /regressed; measuring what .*measured\.json measured once more/);
  const { confirmation } = JSON.parse(twice.stdout);
  assert.equal(confirmation.impossible, null);
  assert.ok(confirmation.figures.length > 3);
  for (const { confirmed, again } of confirmation.figures)
    assert.deepEqual([confirmed, again.head.trials], [true, 5]);

  const once = runSlotmark(["compare", measured, slow, ...options]);
  const second = JSON.parse(once.stdout).confirmation;
  assert.equal(second.impossible, null);
  assert.equal(
    once.code === 1,
    second.figures.some((one: { confirmed: boolean }) => one.confirmed),
  );
  const ratio = second.figures[0].again.interval.ratio;
  assert.ok(ratio < 1e5, `measured, not taken from the file: ${ratio}`);
});

test("run --again takes suite, options, members and page writer from the result, and no others", (context) => {
  const folder = temporaryFolder(context);
  const [one, again] = [join(folder, "one.json"), join(folder, "again.json")];
  const run = ["messages", "--nodes", "2", "--time", "10ms", "--trials", "1", "--seed", "5"];
  assert.equal(runSlotmark(["run", ...run, "--out", one, "--quiet"]).code, 0);
  const { code, stderr } = runSlotmark(["run", "--again", one, "--out", again, "--quiet"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readResult(again).scenario, readResult(one).scenario);
  for (const more of [["locks"], ["--nodes", "3"], ["--io", "psync"], ["--resume", "x"]]) {
    const refused = runSlotmark(["run", ...more, "--again", one]);
    assert.equal(refused.code, 2, more.join(" "));
    assert.match(refused.stderr, /--again measures what .*one\.json measured; it takes no/);
  }
});
