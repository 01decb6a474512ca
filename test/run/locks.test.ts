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
  assert.match(stdout, /idle cores +busy cores/);
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
  assert.deepEqual(new Set(trials.map(({ labels }) => labels.nodes)), new Set([2, 4]));
  for (const { id, metrics } of trials) {
    assert.ok((metrics.message_latency_ns?.count ?? 0) > 0, id);
    for (const step of ["tokenEx", "messageEx", "ackEx"]) {
      assert.ok((metrics[`message_step_ns{role=send,step=${step}}`]?.count ?? 0) > 0, `${id} ${step}`);
    }
    assert.ok((metrics["message_floor_ns{kind=futex}"]?.count ?? 0) > 0, id);
  }
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
