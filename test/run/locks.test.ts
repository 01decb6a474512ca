import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { runFolder } from "./run-folder.js";

test("the suite locks measures requests, all conversions and unlocks beside their floors, and needs no members", (context) => {
  const out = path.join(runFolder(context), "locks.json");
  const { code, stdout, stderr } = runSlotmark([
    ...["run", "locks", "--nodes", "1,2", "--trials", "1", "--time", "200ms", "--out", out],
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^A lock that nobody else wants/m);
  for (const row of [
    "sleep, idle cores",
    "sleep, busy cores",
    "promise, idle cores",
    "waitSync, busy cores",
  ]) {
    assert.match(stdout, new RegExp(`^  ${row} +\\d`, "m"));
  }
  const { trials, backends } = readResult(out);
  assert.deepEqual(backends, { dlm: "embedded", io: "none", members: "none" });

  const alone = trials.find(({ labels }) => labels.nodes === 1 && labels.seenBy === "native");
  const names = Object.keys(alone?.metrics ?? {});
  assert.equal(names.filter((name) => name.startsWith("lock_latency_ns{op=convert")).length, 36);
  for (const op of ["request", "unlock"]) {
    assert.equal(names.filter((name) => name.startsWith(`lock_latency_ns{op=${op}`)).length, 6);
  }
  const contended = trials.filter(({ labels }) => labels.nodes === 2);
  assert.deepEqual(new Set(contended.map(({ labels }) => labels.seenBy)), new Set(["native", "javascript"]));
  for (const trial of contended) {
    const handOver = Object.entries(trial.metrics).find(([name]) =>
      name.startsWith("lock_latency_ns{op=handOver"),
    );
    assert.ok((handOver?.[1].p50 ?? 0) > 0, trial.id);
    assert.ok(
      Object.keys(trial.metrics).some((name) => name.startsWith("lock_floor_ns")),
      trial.id,
    );
  }
});

test("the suite messages measures broadcasts by their steps, beside their floors", (context) => {
  const out = path.join(runFolder(context), "messages.json");
  const { code, stderr } = runSlotmark([
    ...["run", "messages", "--nodes", "2,4", "--trials", "1", "--time", "200ms", "--out", out],
  ]);
  assert.equal(code, 0, stderr);
  const { trials } = readResult(out);
  for (const seenBy of ["native", "javascript"]) {
    for (const cores of ["idle", "busy"]) {
      const of = trials.filter(({ labels }) => labels.seenBy === seenBy && labels.cores === cores);
      assert.deepEqual(new Set(of.map(({ labels }) => labels.nodes)), new Set([2, 4]), `${seenBy} ${cores}`);
    }
  }
  for (const { id, labels, metrics } of trials) {
    assert.ok((metrics.message_latency_ns?.count ?? 0) > 0, id);
    for (const part of ["token", "message", "ack"]) {
      assert.ok((metrics[`message_latency_ns{part=${part}}`]?.count ?? 0) > 0, `${id} ${part}`);
    }
    // What the machine itself takes; of JavaScript, what native code takes.
    const floor =
      labels.seenBy === "native" ? "message_floor_ns{kind=futex}" : "message_step_ns{role=send,step=all}";
    assert.ok((metrics[floor]?.count ?? 0) > 0, id);
    assert.equal(metrics.message_deadlocks_per_message, undefined);
  }
});

test("--variant original is measured: well with one receiver, and with two its deadlock is counted and said", (context) => {
  const folder = runFolder(context);
  const measure = (nodes: string) => {
    const out = path.join(folder, `${nodes}.json`);
    const run = runSlotmark([
      ...["run", "messages", "--variant", "original", "--nodes", nodes],
      ...["--trials", "1", "--time", "200ms", "--out", out],
    ]);
    assert.equal(run.code, 0, run.stderr);
    const result = readResult(out);
    assert.equal(result.variant, "original");
    assert.ok(result.trials.length > 0);
    return { ...run, ...result };
  };
  const deadlocks = "message_deadlocks_per_message";

  const one = measure("2");
  for (const { id, metrics } of one.trials) assert.equal(metrics[deadlocks]?.value, 0, id);
  assert.ok(one.warnings.every(({ code }) => code !== "message-deadlock"));

  const two = measure("3");
  for (const { id, metrics } of two.trials) {
    assert.ok((metrics.message_latency_ns?.count ?? 0) > 0, id);
    assert.ok((metrics[deadlocks]?.value ?? 2) <= 1, id);
  }
  assert.ok(two.trials.some(({ metrics }) => (metrics[deadlocks]?.value ?? 0) > 0));
  assert.match(
    two.warnings.find(({ code }) => code === "message-deadlock")?.text ?? "",
    /EDEADLK.*2 receivers/,
  );
  assert.match(two.stdout, /deadlocks each/);
});

for (const [option, ...value] of [
  ["--chunk", "64K"],
  ["--member", "a", "--member", "b"],
  ["--no-bitmap"],
] as const) {
  test(`${option} means nothing to the suite locks and is refused`, () => {
    const { code, stderr } = runSlotmark(["run", "locks", option, ...value]);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`${option}.*suite locks`));
  });
}
