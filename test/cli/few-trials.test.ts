import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fewTrialsNotices } from "../../src/commands/few-trials.js";
import { quick } from "../../src/scenario/bitmap-suites.js";
import { locks } from "../../src/scenario/suites.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { runSlotmark } from "./run-slotmark.js";

const PAIRED = { ...quick, suite: "mine", phases: ["steady" as const] };

test("a run of too few trials to ever decide says so, with how many would do", () => {
  const notices = (trials: number) => fewTrialsNotices([{ ...PAIRED, trials }], [2 * trials]);
  // With and without a bitmap: 4 figures and 3, of which one has to reach 0.01 ÷ 7; 2 ÷ C(14, 7) = 0.0006 does, 2 ÷ C(12, 6) does not.
  assert.match(
    notices(6).join(),
    /with --trials 6 .* can never show a change; for the 7 figures of this run it needs 7 or more/,
  );
  assert.deepEqual(notices(7), []);
  assert.match(
    fewTrialsNotices([{ ...PAIRED, trials: 4, bitmap: "off" }], [4]).join(),
    /3 figures .* 6 or more/,
  );
});

test("where compare has no figures of its own, one is the least; a suite that decides nothing need not say it again", () => {
  assert.match(fewTrialsNotices([locks], [300]).join(), /for a single figure it needs 5 or more/);
  assert.deepEqual(fewTrialsNotices([{ ...quick, trials: 2 }], [8]), []);
});

test("it comes before the run, on standard error, and --quiet does without", (context) => {
  const out = join(temporaryFolder(context), "r.json");
  const args = ["run", "messages", "--nodes", "2", "--time", "10ms", "--trials", "1", "--out", out];
  assert.match(
    runSlotmark(args).stderr,
    /^messages: with --trials 1 `slotmark compare` can never show a change/m,
  );
  assert.equal(runSlotmark([...args, "--quiet"]).stderr, "");
});
