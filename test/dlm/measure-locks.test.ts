import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { suite, test } from "node:test";
import { Worker } from "node:worker_threads";
import { type LockMeasurement, measureLocks } from "../../src/dlm/measure-locks.js";

const short = { valueBlock: false, waiting: "sleep", cores: "idle", timeMs: 60, samples: 40 } as const;

function assertMeasured({ series, floors }: LockMeasurement): void {
  for (const one of series) {
    const what = `${one.operation} ${one.from}-${one.to}`;
    assert.ok(one.latenciesNs.length > 0, what);
    assert.ok(
      one.latenciesNs.every((latency) => Number.isInteger(latency) && latency >= 0),
      what,
    );
  }
  assert.ok(floors.clockNs.every((latency) => latency > 0));
  assert.ok(floors.futexNs.length > 0);
}

suite("measuring locks", () => {
  for (const valueBlock of [false, true]) {
    test(`uncontended, every operation${valueBlock ? " with a value block" : ""}`, async () => {
      const measured = await measureLocks({ ...short, nodes: 1, valueBlock });
      assertMeasured(measured);
      const count = (operation: string) =>
        measured.series.filter((series) => series.operation === operation && series.blockers === 0).length;
      assert.deepEqual([count("request"), count("unlock"), count("convert")], [6, 6, 36]);
      assert.equal(measured.series.length, 48);
      assert.equal(measured.floors.mutexAndLookupNs.length, 4);
    });
  }

  for (const { nodes, waiting, cores } of [
    { nodes: 2, waiting: "sleep", cores: "idle" },
    { nodes: 2, waiting: "spin", cores: "idle" },
    { nodes: 5, waiting: "sleep", cores: "busy" },
    { nodes: 64, waiting: "sleep", cores: "idle" },
  ] as const) {
    const skip =
      waiting === "spin" && availableParallelism() < nodes && "spinning needs a core for each node";
    test(`contended by ${nodes} nodes that ${waiting}, cores ${cores}`, { skip }, async () => {
      const measured = await measureLocks({ ...short, nodes, waiting, cores, valueBlock: true });
      assertMeasured(measured);
      // Five requests (NL never waits), all conversions up, and PR to CW; and what takes them back.
      const blocked = measured.series.filter(
        ({ operation, blockers }) => operation !== "handOver" && blockers > 0,
      );
      const waitedFor = measured.series.filter(
        ({ operation, waiters }) => operation !== "release" && waiters > 0,
      );
      assert.equal(blocked.length, 5 + 15 + 1);
      assert.equal(waitedFor.length, 5 + 15 + 1);
      for (const { to, blockers } of blocked) assert.equal(blockers, to === "CR" ? 1 : nodes - 1);
      for (const { from, waiters } of waitedFor) assert.equal(waiters, from === "CR" ? 1 : nodes - 1);
      const conversions = [...blocked, ...waitedFor].filter(({ operation }) => operation === "convert");
      assert.equal(new Set(conversions.map(({ from, to }) => `${from}-${to}`)).size, 30);
    });
  }

  test("it can be ended early, and leaves no event loop open", { timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const measuring = measureLocks({ ...short, nodes: 3, timeMs: 3_000_000, signal: stop.signal });
    setImmediate(() => stop.abort(new Error("enough")));
    await assert.rejects(measuring, /enough/);
  });

  test("a worker that measures can be terminated", { timeout: 60_000 }, async () => {
    const module = new URL("../../src/dlm/measure-locks.js", import.meta.url).href;
    const code = `import(${JSON.stringify(module)}).then(({ measureLocks }) => {
      void measureLocks(${JSON.stringify({ ...short, nodes: 3, timeMs: 3_000_000 })});
      require("node:worker_threads").parentPort.postMessage("started");
    })`;
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve) => worker.once("message", resolve));
    assert.equal(await worker.terminate(), 1);
  });

  test("options out of range are refused", async () => {
    for (const nodes of [0, 65, 1.5, Number.NaN]) {
      await assert.rejects(measureLocks({ ...short, nodes }), { code: "measure-nodes" });
    }
    await assert.rejects(measureLocks({ ...short, nodes: 1, timeMs: 0 }), { code: "measure-time" });
    const nodes = availableParallelism() + 1;
    if (nodes <= 64) {
      await assert.rejects(measureLocks({ ...short, nodes, waiting: "spin" }), { code: "measure-spin" });
    }
  });
});
