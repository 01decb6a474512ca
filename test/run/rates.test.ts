import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { createJournal, resumeJournal } from "../../src/results/journal.js";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { runFolder, smallRun } from "./run-folder.js";

test("a run that is taken up again offers percentages of the maximum that it had found", (context) => {
  const run = smallRun(runFolder(context), "--trials", "2", "--rate", "20%");
  const whole = runSlotmark(run.args);
  assert.equal(whole.code, 0, whole.stderr);
  const { trials, histograms, warnings: _, chunkAdvice: __, ...header } = readResult(run.out);
  const maxima = trials.filter(({ labels }) => labels.finds === "maximum");
  assert.equal(maxima.length, 3);

  // As if it had been killed after the maxima, which were four times as high.
  const journal = createJournal(run.journal, { journal: "slotmark", ...header });
  for (const trial of maxima) {
    const { write_iops: reached, ...metrics } = trial.metrics;
    assert.ok(reached?.value !== undefined);
    const higher = {
      ...trial,
      metrics: { ...metrics, write_iops: { ...reached, value: 4 * reached.value } },
    };
    const own = Object.values(trial.histograms).map((key) => [key, histograms[key] ?? ""]);
    journal.append(higher, Object.fromEntries(own));
  }
  journal.close();
  fs.rmSync(run.out);
  const resumed = runSlotmark(["run", "--resume", run.journal]);
  assert.equal(resumed.code, 0, resumed.stderr);
  const offered = (of: typeof trials) =>
    of.flatMap(({ metrics, labels }) =>
      labels.ratePercent === 20 ? (metrics.offered_iops?.value ?? []) : [],
    );
  const before = offered(trials);
  const after = offered(readResult(run.out).trials);
  assert.equal(after.length, before.length);
  assert.ok(before[0] !== undefined && after.every((rate) => Math.abs(rate / (before[0] ?? 0) - 4) < 1e-9));
  assert.throws(() => resumeJournal(run.journal), "the journal has done its work");
});

test("a sparse array larger than the disk is primed only where it is written, and ends in advice for each rate", (context) => {
  const folder = runFolder(context);
  const run = smallRun(folder);
  const { code, stderr, stdout } = runSlotmark([
    ...["run", "chunk-sweep", ...run.members.flatMap((member) => ["--member", member]), "--out", run.out],
    ...["--size", "2T", "--chunk", "16M,256M", "--nodes", "2", "--trials", "1", "--time", "200ms"],
    ...["--daemon-sleep", "50ms", "--rate", "100,200", "--working-set", "all"],
  ]);
  assert.equal(code, 0, stderr);
  const { trials, chunkAdvice } = readResult(run.out);
  assert.equal(trials.length, 2 * 2 * 2);
  // On a busy machine a trial may not settle, and then gives no advice.
  const settled = [100, 200].filter(
    (rate) =>
      trials.filter(
        ({ labels, phase }) =>
          labels.bitmap === "on" && labels.ratePerSecond === rate && phase !== "notSteady",
      ).length === 2,
  );
  assert.deepEqual(
    (chunkAdvice ?? []).map(({ setting, points }) => [
      setting.ratePerSecond,
      points.map(({ chunkBytes }) => chunkBytes),
    ]),
    settled.map((rate) => [rate, [16 << 20, 256 << 20]]),
  );
  for (const rate of settled) {
    assert.ok(stdout.includes(`At ${rate} writes/s over all of the array, 2 nodes`), stdout);
  }
  for (const member of run.members) {
    const { size, blocks } = fs.statSync(member);
    assert.equal(size, 2 * 2 ** 40);
    assert.ok(blocks * 512 < 200 << 20, `${blocks} sectors`);
  }
});
