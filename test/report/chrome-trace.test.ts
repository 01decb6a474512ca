import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { chromeTrace } from "../../src/report/chrome-trace.js";

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
}

function traceOf(events: readonly ClusterEvent[]): TraceEvent[] {
  const text = chromeTrace([{ id: "suite/n2/1", events }]);
  return JSON.parse(text).traceEvents;
}

const step = (node: number, atNs: number, durationNs: number): ClusterEvent => ({
  kind: "tokenHeld",
  node,
  atNs,
  durationNs,
});

test("a row a node, times in microseconds since the first event", () => {
  const events = traceOf([
    step(1, 5_000, 2_000),
    step(0, 3_000, 1_000),
    { kind: "left", node: 0, atNs: 9_000 },
  ]);
  const rows = events.filter(({ name }) => name === "thread_name").map(({ tid }) => tid);
  assert.deepEqual(rows, [0, 1]);
  const shown = events.filter(({ ph }) => ph !== "M").map(({ ph, tid, ts, dur }) => ({ ph, tid, ts, dur }));
  assert.deepEqual(shown, [
    { ph: "X", tid: 0, ts: 0, dur: 1 },
    { ph: "X", tid: 1, ts: 2, dur: 2 },
    { ph: "i", tid: 0, ts: 6, dur: undefined },
  ]);
});

test("spans of a row lie inside each other; one that overlaps another becomes asynchronous", () => {
  const events = traceOf([
    step(0, 0, 10_000),
    step(0, 2_000, 3_000),
    step(0, 8_000, 6_000),
    step(0, 20_000, 1_000),
  ]);
  const shown = events.filter(({ ph }) => ph !== "M").map(({ ph, ts }) => `${ph} ${ts}`);
  assert.deepEqual(shown, ["X 0", "X 2", "b 8", "e 14", "X 20"]);
});

test("a run without a single event is still a trace", () => {
  assert.deepEqual(JSON.parse(chromeTrace([])), { displayTimeUnit: "ns", traceEvents: [] });
});
