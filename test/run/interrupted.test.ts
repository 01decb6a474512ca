import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { test } from "node:test";
import { readJournal } from "../../src/results/journal.js";
import { readResult } from "../../src/results/store.js";
import { MAIN, runSlotmark } from "../cli/run-slotmark.js";
import { struckRun } from "./background-run.js";
import { runFolder, type SmallRun, smallRun } from "./run-folder.js";

const cutShort = (run: SmallRun, signal: NodeJS.Signals) => struckRun(run, (kill) => kill(signal));

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} ends a run with ${exitCode} and keeps what was measured`, async (context) => {
    const run = smallRun(runFolder(context), "--trials", "50");
    const { code, stderr } = await cutShort(run, signal);
    assert.equal(code, exitCode, stderr);
    assert.match(stderr, /--resume/);
    assert.equal(fs.existsSync(run.out), false, "a result file is complete or absent");
    assert.ok(readJournal(run.journal).trials.length > 0);
  });
}

test("a run that was killed goes on by --resume and ends as if it had not been", async (context) => {
  const run = smallRun(runFolder(context), "--trials", "3");
  const { signalled } = await cutShort(run, "SIGKILL");
  assert.equal(signalled, "SIGKILL");
  const kept = readJournal(run.journal).trials;
  assert.ok(kept.length > 0);

  const { code, stderr } = runSlotmark(["run", "--resume", run.journal]);
  assert.equal(code, 0, stderr);
  assert.equal(fs.existsSync(run.journal), false);
  const result = readResult(run.out);
  const writing = result.trials.filter(({ labels }) => labels.bitmap !== undefined);
  assert.equal(writing.length, 3 * 2 * 2);
  assert.equal(new Set(result.trials.map((trial) => trial.id)).size, result.trials.length);
  const first = kept[0];
  const { bitmap_tax_percent: _, ...metrics } = result.trials[0]?.metrics ?? {};
  assert.deepEqual(metrics, first?.metrics, "what was measured before the kill is in the result");
});

test("a suite beside --resume is refused", async (context) => {
  const run = smallRun(runFolder(context), "--trials", "50");
  await cutShort(run, "SIGINT");
  const { code, stderr } = runSlotmark(["run", "quick", "--resume", run.journal]);
  assert.equal(code, 2);
  assert.match(stderr, /takes no suite/);
});

test("SIGINT while members are watched for use by another host ends with 130 and leaves nothing", async (context) => {
  const folder = runFolder(context);
  const run = smallRun(folder);
  assert.equal(runSlotmark(["create", ...run.members, "--nodes", "2", "--size", "64M"]).code, 0);
  const child = spawn(process.execPath, [MAIN, ...run.args], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  const [watching] = await once(child.stderr, "data");
  assert.match(String(watching), /watching/);
  child.kill("SIGINT");
  assert.deepEqual(await ended, [130, null]);
  assert.deepEqual(fs.readdirSync(folder).sort(), ["a.img", "b.img"]);
});
