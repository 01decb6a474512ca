import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { runFolder, smallRun } from "./run-folder.js";

test("a run ends in a result with paired trials, headline figures and histograms that agree with them", (context) => {
  const folder = runFolder(context);
  const run = smallRun(folder, "--trials", "2", "--json");
  const { code, stdout, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  assert.equal(fs.existsSync(run.journal), false, "the journal has done its work");

  const result = readResult(run.out);
  assert.deepEqual(
    JSON.parse(stdout),
    JSON.parse(fs.readFileSync(run.out, "utf8")),
    "--json prints the result file",
  );
  assert.deepEqual(result.backends, { dlm: "embedded", io: "uring", members: "parallel" });
  const writing = result.trials.filter(({ labels }) => labels.bitmap !== undefined);
  assert.equal(writing.length, 2 * 2 * 2);
  for (const trial of writing) {
    const { metrics } = trial;
    const latency = metrics.write_latency_ns;
    assert.ok(latency?.p50 !== undefined && latency.p99 !== undefined && latency.max !== undefined);
    assert.ok(latency.p50 > 0 && latency.p50 <= latency.p99 && latency.p99 <= latency.max);
    assert.equal(metrics.write_iops?.count, latency.count, "every write is in the histogram");
    if (trial.labels.bitmap === "off") {
      assert.equal(metrics.unplug_share, undefined);
      continue;
    }
    assert.notEqual(metrics.bitmap_tax_percent?.value, undefined);
    assert.ok((metrics.unplug_share?.value ?? -1) >= 0 && (metrics.unplug_share?.value ?? 2) <= 1);
    assert.ok(
      (metrics.dirty_bytes?.max ?? Number.POSITIVE_INFINITY) <= 64 * 1048576,
      "capped at the array's size",
    );
  }
  const cold = result.trials.filter((trial) => trial.phase === "cold" && trial.labels.bitmap === "on");
  assert.equal(cold.length, 2);
  for (const trial of cold) {
    const pagesPerWrite = trial.metrics["bitmap_page_writes_per_write{cause=unplug}"]?.value ?? 0;
    assert.ok(pagesPerWrite > 0, "from clean chunks some plug must have written a page");
  }
});

test("quick shows a little of locks and messages as well, in native code and as JavaScript sees them", (context) => {
  const run = smallRun(runFolder(context), "--trials", "1");
  const { code, stdout, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  const { trials } = readResult(run.out);
  for (const kind of ["locks", "messages"]) {
    for (const seenBy of ["native", "javascript"]) {
      const of = trials.filter(({ labels }) => labels.kind === kind && labels.seenBy === seenBy);
      assert.deepEqual(
        new Set(of.map(({ labels }) => labels.cores)),
        new Set(["idle", "busy"]),
        `${kind} ${seenBy}`,
      );
      assert.ok(of.every(({ suite }) => suite === "quick"));
    }
  }
  const order = [/^Bitmap tax/m, /^A lock that nobody/m, /^EX handed/m, /^A broadcast until/m].map((title) =>
    stdout.search(title),
  );
  assert.ok(order[0] !== -1, stdout);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test("members hold the same data afterwards, and --overlap apart no two nodes wrote the same block", (context) => {
  const folder = runFolder(context);
  const run = smallRun(folder, "--trials", "1");
  const { code, stdout, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /result file: /);
  const [one, other] = run.members.map((member) => fs.readFileSync(member));
  assert.ok(one !== undefined && other !== undefined);
  const slots = 8192;
  assert.equal(one.subarray(slots).equals(other.subarray(slots)), true, "slots and data are byte-identical");
});

test("the scenario hash tells the work, not where it is kept", (context) => {
  const folder = runFolder(context);
  const hashes = [1, 2].map((attempt) => {
    const out = path.join(folder, `${attempt}.json`);
    const { code, stderr } = runSlotmark([
      ...smallRun(folder, "--trials", "1", "--seed", "7").args,
      "--out",
      out,
    ]);
    assert.equal(code, 0, stderr);
    return readResult(out).scenarioHash;
  });
  assert.equal(hashes[0], hashes[1]);
});

test("default members are temporary and gone afterwards", (context) => {
  const folder = runFolder(context);
  const temporary = path.join(folder, "tmp");
  fs.mkdirSync(temporary);
  const out = path.join(folder, "result.json");
  const before = process.env.TMPDIR;
  context.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  process.env.TMPDIR = temporary;
  const { code, stderr } = runSlotmark([
    ...["run", "--size", "32M", "--working-set", "8M", "--trials", "1"],
    ...["--time", "100ms", "--daemon-sleep", "50ms", "--out", out],
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(fs.readdirSync(temporary), []);
  const { trials } = readResult(out);
  assert.equal(trials.filter(({ labels }) => labels.bitmap !== undefined).length, 4);
});

test("--variant original runs on members of its own and is named in the result, but touches no existing array", (context) => {
  const folder = runFolder(context);
  const run = smallRun(folder, "--trials", "1", "--variant", "original");
  const { code, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  assert.equal(readResult(run.out).variant, "original");

  for (const member of run.members) fs.rmSync(member);
  assert.equal(runSlotmark(["create", ...run.members, "--nodes", "2", "--size", "64M"]).code, 0);
  const before = run.members.map((member) => fs.readFileSync(member));
  const refused = runSlotmark([...run.args, "--no-watch"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /original/);
  assert.ok(run.members.every((member, leg) => before[leg]?.equals(fs.readFileSync(member))));
});

for (const [what, args, expected] of [
  ["65 nodes", ["--nodes", "65"], /--nodes/],
  ["a chunk that is no power of two", ["--chunk", "100K"], /--chunk .*power of two/],
  ["a time without a unit", ["--time", "5"], /not a time/],
  ["an I/O backend that is not there", ["--io", "libaio"], /--io libaio is no way to write/],
  ["a lock manager that is not there", ["--dlm", "zfs"], /no lock manager named "zfs"/],
  ["a scenario file that is not there", ["mine.yaml"], /mine\.yaml cannot be read: ENOENT/],
  ["a rate of nothing", ["--rate", "0%"], /--rate .*above 0%/],
  [
    "several working sets where a suite has one",
    ["recovery", "--working-set", "1M,2M"],
    /--working-set has one value/,
  ],
  ["an unknown suite", ["slow"], /no suite named "slow"/],
  ["a single member", ["--member", "one.img"], /at least two/],
  ["an unknown durability", ["--durability", "maybe"], /--durability/],
  ["a member that is a directory", ["--member", "/var/tmp", "--member", "/var"], /\/var/],
] as const) {
  test(`refused with exit 2 and one clear error: ${what}`, (context) => {
    const folder = runFolder(context);
    const out = path.join(folder, "result.json");
    const { code, stderr } = runSlotmark(["run", ...args, "--out", out]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.doesNotMatch(stderr, /^\s+at /m);
    assert.deepEqual(fs.readdirSync(folder), [], "nothing is left behind");
  });
}
