import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { suite, test } from "node:test";
import { measureLocksFromJavaScript } from "../../src/dlm/measure-locks-from-javascript.js";

const short = { valueBlock: true, cores: "idle", timeMs: 100, samples: 50 } as const;

suite("measuring locks as JavaScript sees them", () => {
  for (const waiting of ["promise", "sync"] as const) {
    test(`uncontended, ${waiting}`, async () => {
      const { series, floors } = await measureLocksFromJavaScript({ ...short, nodes: 1, waiting });
      assert.equal(series.length, 48);
      for (const { operation, from, to, latenciesNs } of series) {
        assert.ok(latenciesNs.length > 0, `${operation} ${from}-${to}`);
        assert.ok(latenciesNs.every((latency) => Number.isInteger(latency) && latency > 0));
      }
      assert.equal(floors.clockNs.length, 1);
    });

    test(`EX round four workers, ${waiting}`, async () => {
      const { series, floors } = await measureLocksFromJavaScript({ ...short, nodes: 4, waiting });
      assert.deepEqual(
        series.map((one) => one.operation),
        ["handOver", "release"],
      );
      for (const { latenciesNs } of series) {
        assert.ok(latenciesNs.length > 1);
        assert.ok(latenciesNs.every((latency) => latency > 0));
      }
      assert.ok(floors.atomicsNs.length > 1);
    });
  }

  test("with cores kept busy", async () => {
    const options = { ...short, nodes: 2, waiting: "promise", cores: "busy" } as const;
    const { cores, series } = await measureLocksFromJavaScript(options);
    assert.equal(cores, "busy");
    assert.ok(series.every(({ latenciesNs }) => latenciesNs.length > 0));
  });

  test("a signal that lives on keeps nothing of it", async () => {
    const { signal } = new AbortController();
    await measureLocksFromJavaScript({ ...short, nodes: 1, waiting: "sync", signal });
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  test("it can be ended early", { timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const options = { ...short, timeMs: 3_000_000, samples: 2 ** 31 };
    const measuring = measureLocksFromJavaScript({
      ...options,
      nodes: 2,
      waiting: "sync",
      signal: stop.signal,
    });
    setImmediate(() => stop.abort(new Error("enough")));
    await assert.rejects(measuring, /enough/);
  });
});
