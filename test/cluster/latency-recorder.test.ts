import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHistogram } from "../../src/cluster/latency-histogram.js";
import { LatencyRecorder } from "../../src/cluster/latency-recorder.js";

test("what is recorded is there, prepared or not, and an empty one can be encoded", () => {
  for (const prepared of [true, false]) {
    const recorder = new LatencyRecorder();
    if (prepared) recorder.prepare();
    recorder.record(1000);
    recorder.record(2000);
    if (prepared) recorder.prepare();
    const found = decodeHistogram(recorder.encode());
    assert.equal(found.totalCount, 2);
    assert.equal(found.getValueAtPercentile(50), 1000);
    found.destroy();
    recorder.close();
  }
  const empty = new LatencyRecorder();
  assert.equal(decodeHistogram(empty.encode()).totalCount, 0);
  empty.close();
  new LatencyRecorder().close();
});
