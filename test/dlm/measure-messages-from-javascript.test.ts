import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { measureMessagesFromJavaScript } from "../../src/dlm/measure-messages-from-javascript.js";

const short = { cores: "idle", timeMs: 50, samples: 50 } as const;

suite("measuring messages as JavaScript sees them", () => {
  for (const { nodes, cores, variant } of [
    { nodes: 2, cores: "idle", variant: "safe" },
    { nodes: 4, cores: "busy", variant: "mainline" },
    { nodes: 2, cores: "idle", variant: "original" },
  ] as const) {
    test(`${nodes} worker threads, variant ${variant}, cores ${cores}`, async () => {
      const measured = await measureMessagesFromJavaScript({ ...short, nodes, cores, variant });
      const { sendNs, nativeNs, parts, deadlocks } = measured;
      assert.ok(sendNs.length > 0);
      assert.equal(nativeNs.length, sendNs.length);
      for (const [message, latency] of sendNs.entries()) {
        // The one contains the other.
        const native = nativeNs[message] ?? Number.POSITIVE_INFINITY;
        assert.ok(latency > native);
        const sum = [parts.token, parts.message, parts.ack].reduce((total, part) => {
          return total + (part[message] ?? Number.POSITIVE_INFINITY);
        }, 0);
        assert.ok(sum > 0 && sum <= native, `${sum} of ${native} ns`);
      }
      assert.equal(deadlocks, 0);
    });
  }

  test("the original dance deadlocks with several receivers, is counted, and goes on", async () => {
    const options = { ...short, nodes: 4, timeMs: 300, samples: 500, variant: "original" } as const;
    const { sendNs, deadlocks } = await measureMessagesFromJavaScript(options);
    assert.ok(sendNs.length > 0);
    // Of each message's three receivers the last can always get through.
    assert.ok(deadlocks > 0 && deadlocks <= 2 * sendNs.length, `${deadlocks} in ${sendNs.length} messages`);
  });

  test("it can be ended early", { timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const options = { ...short, nodes: 2, timeMs: 3_000_000, samples: 2 ** 31, signal: stop.signal };
    const measuring = measureMessagesFromJavaScript(options);
    setImmediate(() => stop.abort(new Error("enough")));
    await assert.rejects(measuring, /enough/);
  });
});
