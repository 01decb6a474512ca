import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { measureMessagesFromJavaScript } from "../../src/dlm/measure-messages-from-javascript.js";

suite("measuring messages as JavaScript sees them", () => {
  for (const nodes of [2, 4]) {
    test(`${nodes} worker threads`, async () => {
      const measured = await measureMessagesFromJavaScript({ nodes, timeMs: 50, samples: 50 });
      assert.ok(measured.sendNs.length > 0);
      assert.equal(measured.nativeNs.length, measured.sendNs.length);
      // The one contains the other.
      for (const [message, latency] of measured.sendNs.entries()) {
        assert.ok(latency > (measured.nativeNs[message] ?? Number.POSITIVE_INFINITY));
      }
    });
  }

  test("it can be ended early", { timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const options = { nodes: 2, timeMs: 3_000_000, samples: 2 ** 31, signal: stop.signal };
    const measuring = measureMessagesFromJavaScript(options);
    setImmediate(() => stop.abort(new Error("enough")));
    await assert.rejects(measuring, /enough/);
  });
});
