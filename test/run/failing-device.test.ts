import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readJournal } from "../../src/results/journal.js";
import { struckRun } from "./background-run.js";
import { runFolder, smallRun } from "./run-folder.js";

test("a device that fails in the middle ends the run with 74: journal intact, no result, the member named", async (context) => {
  if (process.getuid?.() !== 0) {
    assert.notEqual(process.env.CI, "true", "CI runs as root");
    context.skip("loop devices need root");
    return;
  }
  const folder = runFolder(context);
  const backing = path.join(folder, "backing.img");
  fs.writeFileSync(backing, "");
  fs.truncateSync(backing, 64 << 20);
  const device = execFileSync("losetup", ["-f", "--show", backing], { encoding: "utf8" }).trim();
  try {
    const run = smallRun(folder, "--trials", "50", "--member", device);
    const { code, stdout, stderr } = await struckRun(run, () => {
      fs.truncateSync(backing, 4 << 20);
      execFileSync("losetup", ["-c", device]);
    });
    assert.equal(code, 74, stderr);
    assert.ok(stderr.includes(device), stderr);
    assert.match(stderr, /--resume/);
    assert.doesNotMatch(stderr, /^\s+at /m);
    assert.equal(stdout, "");
    assert.equal(fs.existsSync(run.out), false, "no partial result");
    const journal = readJournal(run.journal);
    assert.equal(journal.tornBytes, 0);
    assert.ok(journal.trials.length > 0);
  } finally {
    execFileSync("losetup", ["-d", device]);
  }
});
