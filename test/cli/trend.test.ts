import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../src/results/schema.js";
import { writeResult } from "../../src/results/store.js";
import { around, madeResult } from "../compare/made-result.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { runSlotmark } from "./run-slotmark.js";

const METRIC = ["--metric", "write_latency_ns:p50"];

/** One of a history: `index` days after the first, by a commit of its own. */
function nth(index: number, latencyNs: number, changes: Partial<Result> = {}): Result {
  return madeResult(
    [
      {
        labels: { bitmap: "on", nodes: 4, chunkBytes: 65536 },
        figures: { "write_latency_ns:p50": around(latencyNs + 37 * ((index * 7) % 11), 2) },
      },
    ],
    {
      createdAt: new Date(Date.UTC(2026, 0, 1 + index)).toISOString(),
      slotmark: { version: "0.1.0", commit: String(index).padStart(2, "0").repeat(20) },
      ...changes,
    },
  );
}

function folderOf(context: TestContext, results: readonly Result[]): string {
  const folder = temporaryFolder(context);
  // Names say nothing of the order.
  results.forEach((result, index) => {
    writeResult(join(folder, `${(index * 5) % 13}-${index}.json`), result);
  });
  return folder;
}

const STEP = Array.from({ length: 16 }, (_, index) => nth(index, index < 9 ? 400_000 : 440_000));

test("a step is found with its commits, size, direction and p, and exit 0 in every format", (context) => {
  const folder = folderOf(context, STEP);
  for (const format of ["text", "markdown", "json", "github"]) {
    const { code, stdout, stderr } = runSlotmark(["trend", folder, ...METRIC, "--format", format]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    assert.match(stdout, /1 change in 1 series of figures: 1 for the worse/, format);
    assert.ok(stdout.endsWith("\n"));
  }
  const text = runSlotmark(["trend", folder, ...METRIC]).stdout;
  assert.match(
    text,
    /write_latency_ns:p50 .* 400 → 440 µs +\+10\.0 % +0\.00\d +9\+7 +regressed +080808080808\.\.090909090909 \(2026-01-09 to 2026-01-10\)/,
  );
  const [change] = JSON.parse(runSlotmark(["trend", folder, ...METRIC, "--json"]).stdout).groups[0].series[0]
    .changes;
  assert.equal(change.before.commit, "08".repeat(20));
  assert.equal(change.after.commit, "09".repeat(20));
  assert.equal(change.verdict, "regressed");
  assert.ok(change.p <= 0.01 && Math.abs(change.ratio - 1.1) < 0.002);
  assert.match(
    runSlotmark(["trend", folder, ...METRIC, "--format", "github"]).stdout,
    /^::warning title=slotmark%3A regressed in the past::write_latency_ns:p50/m,
  );
});

test("a quiet history has no change", (context) => {
  const quiet = STEP.map((_, index) => nth(index, 400_000));
  const { code, stdout } = runSlotmark(["trend", folderOf(context, quiet), ...METRIC]);
  assert.equal(code, 0);
  assert.match(stdout, /^No change: nothing stands out from chance in 1 series of figures/m);
});

test("results of another machine are a history of their own, and it is said", (context) => {
  const elsewhere = { ...(STEP[0]?.environment as Result["environment"]), hostname: "elsewhere" };
  const mixed = Array.from({ length: 32 }, (_, index) =>
    index % 2 === 0 ? nth(index, 400_000) : nth(index, 700_000, { environment: elsewhere }),
  );
  const { code, stdout } = runSlotmark(["trend", folderOf(context, mixed), ...METRIC]);
  assert.equal(code, 0);
  assert.match(stdout, /^No change/m);
  assert.match(stdout, /another history, for it differs in environment\.hostname/);
  assert.match(stdout, /Results of 2 kinds .* are kept apart/);
});

test("a change between two results of one commit is not laid at the code's door", (context) => {
  const same = STEP.map((result) => ({ ...result, slotmark: { version: "0.1.0", commit: "ab".repeat(20) } }));
  const { stdout } = runSlotmark(["trend", folderOf(context, same), ...METRIC]);
  assert.match(stdout, /within abababababab .*: something else has changed than the code/);
});

test("what is no result is left out and named; a calibration is no history", (context) => {
  const folder = folderOf(context, STEP);
  writeFileSync(join(folder, "broken.json"), '{"schemaVersion": 1, "slot');
  writeFileSync(join(folder, "newer.json"), '{"schemaVersion": 99}');
  writeFileSync(join(folder, "slotmark-calibration.json"), "{}");
  writeFileSync(join(folder, "notes.txt"), "no result");
  const { code, stdout } = runSlotmark(["trend", folder, ...METRIC]);
  assert.equal(code, 0);
  assert.match(stdout, /Left out: .*broken\.json: cut off/);
  assert.match(stdout, /Left out: .*newer\.json/);
  assert.doesNotMatch(stdout, /calibration|notes/);
});

test("nothing there is 4, too little is 5 with what is missing, bad input 2", (context) => {
  const empty = runSlotmark(["trend", temporaryFolder(context)]);
  assert.equal(empty.code, 4);
  assert.match(empty.stderr, /holds no result: no file of it ends in \.json/);
  const few = runSlotmark(["trend", folderOf(context, STEP.slice(0, 4)), ...METRIC]);
  assert.equal(few.code, 5);
  assert.match(
    few.stderr,
    /at most 4 results are of one machine and scenario.* before there are 10\nMeasure 6 more/,
  );
  const folder = folderOf(context, STEP);
  const none = runSlotmark(["trend", folder, "--metric", "lock_*"]);
  assert.equal(none.code, 4);
  assert.match(none.stderr, /lock_\*/);
  assert.equal(runSlotmark(["trend", join(folder, "absent")]).code, 2);
  assert.equal(runSlotmark(["trend", folder, "--alpha", "2"]).code, 2);
  assert.equal(runSlotmark(["trend", folder, "--format", "junit"]).code, 2);
  assert.equal(runSlotmark(["trend", folder, "--metric", ""]).code, 2);
});
