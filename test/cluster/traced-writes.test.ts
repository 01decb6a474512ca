import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { EventReader } from "../../src/block-trace/event-reader.js";
import { TracedWrites } from "../../src/cluster/traced-writes.js";
import { PLUG_SPLIT_WRITES } from "../../src/cluster/write-source.js";
import { ALONE, type PlainEvent, prepared, traceFile } from "../block-trace/trace-folder.js";

const RING = 64;

interface Paced {
  readonly timeScale: number | null;
  readonly plug: number;
  readonly periodNs: number;
}

/** A source on a small ring, of writes given as sector, sectors and microseconds. */
async function sourceOf(
  context: TestContext,
  events: readonly PlainEvent[],
  { timeScale, plug, periodNs }: Paced,
) {
  const lines = events.map(([sector, sectors, at]) => `${at} /d write ${sector * 512} ${sectors * 512}`);
  const trace = await prepared(context, traceFile(context, `fio version 3 iolog\n${lines.join("\n")}\n`));
  const [file] = await trace.forNodes(ALONE);
  assert.ok(file !== undefined);
  const ring = { capacity: RING, sector: new Float64Array(RING), sectors: new Uint32Array(RING) };
  const task = {
    kind: "traced",
    events: file,
    timeScale,
    periodNs,
    largestWriteBytes: 1 << 20,
    seed: 1,
  } as const;
  return { source: new TracedWrites(task, new EventReader(file), ring, plug), ring };
}

type Source = Awaited<ReturnType<typeof sourceOf>>;

/** One plug: what is written together, call by call, as sector, sectors and intended time. */
function plugOf({ source, ring }: Source, nowNs: number): PlainEvent[][] {
  const calls: PlainEvent[][] = [];
  for (let left = source.plug(nowNs); left > 0; ) {
    const count = source.next(Math.min(left, PLUG_SPLIT_WRITES));
    assert.ok(count > 0 && count <= left);
    calls.push(
      Array.from({ length: count }, (_, at) => {
        const index = source.first + at;
        return [ring.sector[index] ?? -1, ring.sectors[index] ?? -1, source.countFromNs[index] ?? -1];
      }),
    );
    left -= count;
  }
  return calls;
}

test("in open loop a plug takes what is due, at most so many, and each counts from its own time", async (context) => {
  const events: PlainEvent[] = [
    [0, 8, 0],
    [8, 8, 10],
    [16, 8, 20],
    [24, 8, 20],
    [32, 8, 500],
  ];
  const made = await sourceOf(context, events, { timeScale: 1, plug: 3, periodNs: 600_000 });
  made.source.start(1e9);
  assert.equal(made.source.nextNs, 1e9);
  assert.deepEqual(plugOf(made, 1e9), [[[0, 8, 1e9]]]);
  assert.equal(made.source.nextNs, 1e9 + 10_000);
  assert.deepEqual(plugOf(made, 1e9 + 30_000), [
    [
      [8, 8, 1e9 + 10_000],
      [16, 8, 1e9 + 20_000],
      [24, 8, 1e9 + 20_000],
    ],
  ]);
  assert.equal(made.source.plugIntendedNs, 1e9 + 10_000);
  assert.equal(made.source.nextNs, 1e9 + 500_000);
  assert.deepEqual(plugOf(made, 1e9 + 500_000), [[[32, 8, 1e9 + 500_000]]]);
  assert.equal(made.source.nextNs, 1e9 + 600_000, "then the trace begins again");
  made.source.measureFrom(3e9);
  assert.equal(made.source.nextNs, 3e9, "the measured interval begins with the trace");
  assert.deepEqual(plugOf(made, 3e9)[0]?.[0]?.[0], 0);
});

test("writes that overlap are never under way together", async (context) => {
  const events: PlainEvent[] = [
    [0, 8, 0],
    [16, 8, 0],
    [4, 8, 0],
    [12, 2, 0],
    [100, 8, 0],
  ];
  const made = await sourceOf(context, events, { timeScale: null, plug: 5, periodNs: 1 });
  made.source.start(0);
  assert.deepEqual(
    plugOf(made, 7).map((call) => call.map(([sector]) => sector)),
    [
      [0, 16],
      [4, 12, 100],
    ],
  );
});

test("a node without writes never has one due", async (context) => {
  const trace = await prepared(context, traceFile(context, "fio version 2 iolog\n/d write 0 512\n"));
  const [, none] = await trace.forNodes({ ...ALONE, nodes: 2 });
  assert.ok(none !== undefined);
  const ring = { capacity: RING, sector: new Float64Array(RING), sectors: new Uint32Array(RING) };
  const task = {
    kind: "traced",
    events: none,
    timeScale: null,
    periodNs: 1,
    largestWriteBytes: 512,
    seed: 1,
  } as const;
  const source = new TracedWrites(task, new EventReader(none), ring, 4);
  source.start(5);
  assert.equal(source.nextNs, Number.POSITIVE_INFINITY);
  assert.equal(source.empty, true);
});

test("whatever the plug and the pace, the trace is replayed in its order, again and again, each write at its time", async (context) => {
  const writes = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 1, max: 16 }),
      fc.integer({ min: 0, max: 50 }),
    ),
    { minLength: 1, maxLength: 150 },
  );
  await fc.assert(
    fc.asyncProperty(
      writes,
      fc.integer({ min: 1, max: RING }),
      fc.option(fc.constantFrom(0.5, 1, 3)),
      fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 }),
      async (list, plug, timeScale, steps) => {
        let microseconds = 0;
        const events = list.map(([sector, sectors, later], index): PlainEvent => {
          microseconds += index === 0 ? 0 : later;
          return [sector, sectors, microseconds];
        });
        const periodNs = microseconds * 1000 + 7000;
        const made = await sourceOf(context, events, { timeScale, plug, periodNs });
        const scale = timeScale ?? 0;
        let nowNs = 1e6;
        made.source.start(nowNs);
        const startNs = nowNs;
        let replayed = 0;
        for (const step of steps) {
          nowNs += step;
          if (made.source.nextNs > nowNs) continue;
          const calls = plugOf(made, nowNs);
          const size = calls.flat().length;
          for (const call of calls) {
            const sectorsOf = call.flatMap(([sector, sectors]) =>
              Array.from({ length: sectors }, (_, at) => sector + at),
            );
            assert.equal(new Set(sectorsOf).size, sectorsOf.length, "no two overlap");
          }
          assert.ok(size > 0 && size <= plug);
          for (const [sector, sectors, countFromNs] of calls.flat()) {
            const [whichSector, whichSectors, at] = events[replayed % events.length] ?? [-1, -1, -1];
            const lap = Math.floor(replayed / events.length);
            assert.deepEqual([sector, sectors], [whichSector, whichSectors]);
            const intendedNs =
              timeScale === null ? nowNs : startNs + lap * periodNs * scale + at * 1000 * scale;
            assert.ok(Math.abs(countFromNs - intendedNs) < 1);
            assert.ok(countFromNs <= nowNs);
            replayed++;
          }
          if (timeScale !== null && size < plug)
            assert.ok(made.source.nextNs > nowNs, "all that is due was taken");
        }
      },
    ),
    { numRuns: 60 },
  );
});
