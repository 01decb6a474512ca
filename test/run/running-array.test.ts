/** The suites on a running array, from the command line: add-disk and recovery, with their traces. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { runFolder } from "./run-folder.js";

const SMALL = ["--trials", "1", "--size", "32M", "--quiet"];

test("add-disk measures each step by node count and outcome, asks the user's hook, and leaves a trace", (context) => {
  const folder = runFolder(context);
  const [out, trace, told] = ["result.json", "trace.json", "told"].map((name) => path.join(folder, name));
  assert.ok(out !== undefined && trace !== undefined && told !== undefined);
  const hook = `echo "$EVENT $RAID_DISK $DEVICE_UUID" >>${told}`;
  const { code, stderr } = runSlotmark([
    ...["run", "add-disk", ...SMALL, "--nodes", "2,3", "--time", "100ms"],
    ...["--out", out, "--trace", trace, "--on-event", hook],
  ]);
  assert.equal(code, 0, stderr);
  const result = readResult(out);
  assert.deepEqual(result.backends, { dlm: "embedded", io: "psync", members: "serial" });
  assert.deepEqual(
    result.trials.map(({ labels }) => `${labels.nodes} ${labels.outcome}`),
    ["2 confirmed", "2 refused", "2 unanswered", "3 confirmed", "3 refused", "3 unanswered"],
  );
  const stepsOf = (outcome: string) =>
    Object.keys(
      result.trials.find(({ labels }) => labels.nodes === 3 && labels.outcome === outcome)?.metrics ?? {},
    )
      .flatMap((name) => /step=(\w+)/.exec(name)?.[1] ?? [])
      .sort();
  const asked = ["announce", "candidate", "confirm", "event", "search", "write"];
  assert.deepEqual(stepsOf("confirmed"), [...asked, "add", "learn", "veto"].sort());
  assert.deepEqual(stepsOf("refused"), [...asked, "learn", "refuse", "veto"].sort());
  // A node that did not answer may hold up the last update beyond the end of the trial.
  const unanswered = stepsOf("unanswered").filter((step) => step !== "learn");
  assert.deepEqual(unanswered, [...asked, "refuse"].sort());
  for (const { metrics } of result.trials) assert.ok((metrics.add_disk_latency_ns?.count ?? 0) >= 1);
  assert.match(fs.readFileSync(told, "utf8"), /^ADD_DEVICE 2 [0-9a-f-]{36}\n/);

  const { traceEvents } = JSON.parse(fs.readFileSync(trace, "utf8"));
  const names = new Set(traceEvents.map(({ name }: { name: string }) => name));
  for (const name of ["add disk: announce", "send NEWDISK", "receive NEWDISK", "ack EX"]) {
    assert.ok(names.has(name), `${name} among ${[...names].join(", ")}`);
  }
});

test("recovery measures each phase by dirty bits and node count, and how long writers waited", (context) => {
  const out = path.join(runFolder(context), "result.json");
  const { code, stderr } = runSlotmark([
    "run",
    "recovery",
    ...SMALL,
    "--nodes",
    "2,3",
    "--chunk",
    "64K",
    "--out",
    out,
  ]);
  assert.equal(code, 0, stderr);
  const { trials } = readResult(out);
  assert.deepEqual(
    trials.map(({ labels }) => `${labels.nodes} ${labels.dirtyChunks}`),
    ["2 1", "2 64", "2 448", "3 1", "3 64", "3 448"],
  );
  for (const { id, metrics } of trials) {
    for (const phase of [
      "noticed",
      "slotLocked",
      "merged",
      "ownPagesWritten",
      "deadSlotCleared",
      "resynced",
    ]) {
      const latency = metrics[`recovery_latency_ns{phase=${phase}}`];
      assert.ok(latency?.p50 !== undefined && latency.p50 > 0, `${id}: ${phase}`);
      assert.ok(
        latency.p50 <= (metrics.recovery_latency_ns?.p50 ?? 0),
        `${id}: ${phase} is a part of the whole`,
      );
    }
    assert.ok((metrics.write_latency_ns?.count ?? 0) > 0, id);
    assert.equal(metrics.writer_longest_wait_ns?.count, Number(id.includes("/n2/") ? 1 : 2), id);
  }
});

test("the last --member is the disk to add, and two are too few", (context) => {
  const folder = runFolder(context);
  const members = ["a", "b", "new"].map((name) => path.join(folder, name));
  const named = (count: number) => members.slice(0, count).flatMap((member) => ["--member", member]);
  const few = runSlotmark(["run", "add-disk", ...SMALL, ...named(2)]);
  assert.equal(few.code, 2);
  assert.match(few.stderr, /it needs two for the array and, as the last, the disk to add/);

  const [, , disk = ""] = members;
  fs.writeFileSync(disk, "");
  fs.truncateSync(disk, 32 << 20);
  const out = path.join(folder, "result.json");
  const run = runSlotmark([
    "run",
    "add-disk",
    ...SMALL,
    ...named(3),
    "--nodes",
    "2",
    "--time",
    "50ms",
    "--out",
    out,
  ]);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(readResult(out).trials.length, 3);
});

test("an array that is there is not touched", (context) => {
  const folder = runFolder(context);
  const members = ["a", "b"].map((name) => path.join(folder, name));
  assert.equal(
    runSlotmark(["create", ...members, "--size", "32M", "--nodes", "4", "--assume-clean"]).code,
    0,
  );
  const before = members.map((member) => fs.readFileSync(member));
  const run = runSlotmark([
    ...["run", "recovery", ...SMALL, "--no-watch", "--out", path.join(folder, "result.json")],
    ...members.flatMap((member) => ["--member", member]),
  ]);
  assert.equal(run.code, 2, run.stderr);
  assert.match(run.stderr, /there is an array on these members/);
  for (const [index, member] of members.entries())
    assert.ok(fs.readFileSync(member).equals(before[index] ?? Buffer.of()));
});

test("--trace of a run that writes has the page writes of each node", (context) => {
  const folder = runFolder(context);
  const trace = path.join(folder, "trace.json");
  const { code, stderr } = runSlotmark([
    ...["run", "quick", ...SMALL, "--nodes", "2", "--time", "100ms", "--daemon-sleep", "50ms"],
    ...["--working-set", "16M", "--out", path.join(folder, "result.json"), "--trace", trace],
  ]);
  assert.equal(code, 0, stderr);
  const { traceEvents } = JSON.parse(fs.readFileSync(trace, "utf8"));
  const rows = new Set(
    traceEvents.flatMap(({ name, tid }: { name: string; tid?: number }) =>
      name === "page 0 (unplug)" ? [tid] : [],
    ),
  );
  assert.deepEqual([...rows].sort(), [0, 1]);
});
