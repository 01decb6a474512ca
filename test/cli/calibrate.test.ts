import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCalibration } from "../../src/results/calibration.js";
import { readResult, writeResult } from "../../src/results/store.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { MAIN, runSlotmark } from "./run-slotmark.js";

/** A second or two: messages to one other node, which need no members. */
const RUN = ["messages", "--nodes", "2", "--time", "10ms"];

test("A/A runs by processes of their own become floors that compare goes by", (context) => {
  const folder = temporaryFolder(context);
  const out = join(folder, "slotmark-calibration.json");
  const run = join(folder, "run.json");
  assert.equal(runSlotmark(["run", ...RUN, "--trials", "5", "--out", run, "--quiet"]).code, 0);

  const args = ["calibrate", ...RUN, "--trials", "5", "--runs", "3", "--from", run, "--out", out];
  const { code, stdout, stderr } = runSlotmark(args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /A\/A run 2 of 3\nA\/A run 3 of 3\n/);
  assert.match(stdout, /^Noise floors of this machine$/m);
  const calibration = readCalibration(out);
  assert.equal(calibration.runs, 3);
  assert.equal(calibration.preflush, null, "messages write no pages");
  assert.ok(calibration.floors.length > 20);
  for (const {
    trials,
    trialsPerSide,
    floorPercent,
    withinPercent,
    betweenRunsPercent,
  } of calibration.floors) {
    assert.deepEqual([trials, trialsPerSide], [15, 5]);
    assert.equal(floorPercent, Math.max(withinPercent, betweenRunsPercent));
  }
  assert.ok(calibration.floors.some(({ floorPercent }) => floorPercent > 0));
  assert.deepEqual(readdirSync(folder).sort(), ["run.json", "slotmark-calibration.json"]);

  const compared = runSlotmark(["compare", run, run, "--metric", "message_latency_ns:p50", "--json"]);
  assert.ok(
    compared.code === 0 || compared.code === 5,
    "a run is no worse than itself; it may be too noisy to say so",
  );
  const { figures, notes } = JSON.parse(compared.stdout);
  assert.ok(figures.every(({ floor }: { floor: { from: string } }) => floor.from === "measured"));
  assert.ok(notes.some((note: string) => note.includes("Noise floors are those of")));
});

test("runs that are not of the same are refused with exit 3", (context) => {
  const folder = temporaryFolder(context);
  const files = ["a.json", "b.json"].map((name) => join(folder, name));
  for (const [index, file] of files.entries()) {
    const args = ["run", ...RUN, "--trials", "1", "--seed", String(index), "--out", file, "--quiet"];
    assert.equal(runSlotmark(args).code, 0);
  }
  const from = files.flatMap((file) => ["--from", file]);
  const { code, stderr } = runSlotmark([
    "calibrate",
    ...from,
    "--runs",
    "2",
    "--out",
    join(folder, "c.json"),
  ]);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /a\.json and .*b\.json are not runs of the same: scenarioHash/);
  assert.equal(existsSync(join(folder, "c.json")), false);
});

test("too few settled trials for any floor: exit 5", (context) => {
  const folder = temporaryFolder(context);
  const file = join(folder, "a.json");
  assert.equal(runSlotmark(["run", ...RUN, "--trials", "1", "--out", file, "--quiet"]).code, 0);
  const result = readResult(file);
  const again = join(folder, "b.json");
  writeResult(again, result);
  const args = ["calibrate", "--from", file, "--from", again, "--runs", "2", "--out", join(folder, "c.json")];
  const { code, stderr } = runSlotmark(args);
  assert.equal(code, 5, stderr);
  assert.match(stderr, /no variant has the 10 trials/);
});

for (const [what, args, expected] of [
  ["an unknown suite", ["slow"], /no suite named "slow"/],
  ["an option that no run knows", ["messages", "--colour"], /unknown option '--colour'/],
  ["an option that is not for A/A", ["messages", "--resume", "x"], /--resume means nothing to calibrate/],
  ["a single run", ["--runs", "1"], /--runs takes a whole number from 2 on/],
  ["too few trials to show anything", ["--trials", "3"], /--trials takes a whole number from 5 on/],
  ["an output that is a folder", ["--out", "/tmp"], /\/tmp: a folder is in its place/],
] as const) {
  test(`exit 2 and what is wrong: ${what}`, (context) => {
    const out = join(temporaryFolder(context), "c.json");
    const { code, stdout, stderr } = runSlotmark(["calibrate", "--out", out, ...args]);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, expected);
    assert.equal(existsSync(out) || existsSync(`${out}.runs`), false, "nothing is left behind");
  });
}

test("terminated: exit 143, and the runs measured so far are kept for --from", async (context) => {
  const folder = temporaryFolder(context);
  const out = join(folder, "c.json");
  const child = spawn(
    process.execPath,
    [MAIN, "calibrate", ...RUN, "--trials", "5", "--runs", "99", "--out", out],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    if (/run 3 of 99/.test(text)) child.kill("SIGTERM");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 143, stderr);
  assert.match(stderr, /The 2 runs measured so far are kept in .*c\.json\.runs/);
  assert.equal(existsSync(out), false);
  for (const run of [1, 2]) assert.ok(readFileSync(`${out}.runs/${run}.json`, "utf8").endsWith("}\n"));
});
