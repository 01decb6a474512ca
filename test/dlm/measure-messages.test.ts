import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ChannelVariant, SEND_STEPS } from "../../src/dlm/channel.js";
import { type MessageMeasurement, measureMessages, RECEIVE_STEPS } from "../../src/dlm/measure-messages.js";

const short = { waiting: "sleep", cores: "idle", timeMs: 60, samples: 40 } as const;

function latencies({ series }: MessageMeasurement, role: string, step: string): Float64Array {
  return series.find((one) => one.role === role && one.step === step)?.latenciesNs ?? new Float64Array();
}

suite("measuring messages", () => {
  for (const { nodes, cores, variant } of [
    { nodes: 2, cores: "idle", variant: "safe" },
    { nodes: 5, cores: "busy", variant: "mainline" },
    { nodes: 4, cores: "idle", variant: "original" },
    { nodes: 64, cores: "idle", variant: "safe" },
  ] as const satisfies readonly { nodes: number; cores: string; variant: ChannelVariant }[]) {
    test(`${nodes} nodes, variant ${variant}, cores ${cores}`, async () => {
      const measured = await measureMessages({ ...short, nodes, cores, variant });
      const sent = latencies(measured, "send", "processed").length;
      assert.ok(sent > 0);
      for (const step of SEND_STEPS) assert.equal(latencies(measured, "send", step).length, sent, step);
      for (const step of RECEIVE_STEPS) {
        // With two receivers or more the original dance fails in one of them on each message.
        if (variant !== "original") assert.ok(latencies(measured, "receive", step).length > 0, step);
      }
      // Token, message and acknowledgement are the whole of it.
      const sums = latencies(measured, "send", "processed").map((_, message) =>
        Object.values(measured.parts).reduce((sum, part) => sum + (part[message] ?? Number.NaN), 0),
      );
      assert.deepEqual(sums, latencies(measured, "send", "processed"));
      // Of several receivers the last can always get through.
      if (variant !== "original") assert.equal(measured.deadlocks, 0);
      else assert.ok(measured.deadlocks <= (nodes - 2) * sent);
      assert.ok(measured.floors.futexNs.length > 0);
      assert.ok(measured.floors.receiverCpuNs.every((cpu) => cpu > 0));
    });
  }

  test("it can be ended early", { timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const measuring = measureMessages({ ...short, nodes: 3, timeMs: 3_000_000, signal: stop.signal });
    setImmediate(() => stop.abort(new Error("enough")));
    await assert.rejects(measuring, /enough/);
  });

  test("one node has nobody to send to", async () => {
    await assert.rejects(measureMessages({ ...short, nodes: 1 }), { code: "measure-nodes" });
  });
});
