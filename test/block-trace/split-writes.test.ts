import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitWrite } from "../../src/block-trace/split-writes.js";
import { eventsOf, type PlainEvent, prepared, traceFile } from "./trace-folder.js";

const STRIPE_SECTORS = 2048;

/** A random trace: sectors and lengths, times growing by some µs. */
const writes = fc.array(
  fc.record({
    sector: fc.integer({ min: 0, max: 20 * STRIPE_SECTORS }),
    sectors: fc.oneof(
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 5 * STRIPE_SECTORS }),
      fc.constant(STRIPE_SECTORS),
    ),
    laterMicroseconds: fc.integer({ min: 0, max: 1000 }),
  }),
  { minLength: 1, maxLength: 60 },
);

/** Every sector of every write in order, as time and sector. */
function sectorsOf(events: readonly PlainEvent[]): string[] {
  return events.flatMap(([sector, sectors, timeNs]) =>
    Array.from({ length: sectors }, (_, at) => `${timeNs} ${sector + at}`),
  );
}

test("split over any number of nodes, a trace writes exactly the same sectors, each node its own in the same order", async (context) => {
  await fc.assert(
    fc.asyncProperty(writes, fc.integer({ min: 1, max: 8 }), fc.boolean(), async (list, nodes, overlap) => {
      let microseconds = 0;
      const lines = list.map(({ sector, sectors, laterMicroseconds }) => {
        microseconds += laterMicroseconds;
        return `${microseconds} /dev/x write ${sector * 512} ${sectors * 512}`;
      });
      const file = traceFile(context, ["fio version 3 iolog", ...lines, ""].join("\n"));
      const trace = await prepared(context, file);
      const files = await trace.forNodes({ nodes, overlap, stripeSectors: STRIPE_SECTORS });
      assert.equal(files.length, nodes);
      const perNode = files.map((one) => eventsOf(one));

      const start = list[0]?.laterMicroseconds ?? 0;
      let at = -start;
      const whole = list.map(({ sector, sectors, laterMicroseconds }, index) => {
        at += laterMicroseconds;
        return { index, event: [sector, sectors, at * 1000] as PlainEvent };
      });
      for (const [node, events] of perNode.entries()) {
        // What the node has to write, sector by sector, from the trace alone.
        const expected = whole.flatMap(({ index, event }) =>
          sectorsOf([event]).filter((text) => {
            const stripe = Math.floor(Number(text.split(" ")[1]) / STRIPE_SECTORS);
            return (overlap || nodes === 1 ? index : stripe) % nodes === node;
          }),
        );
        assert.deepEqual(sectorsOf(events), expected);
        assert.ok(events.every(([, sectors]) => sectors <= STRIPE_SECTORS));
      }
      await trace.close();
    }),
    { numRuns: 60 },
  );
});

test("a write at a stripe's end is cut there, a long one at every stripe", () => {
  const split = (sector: number, sectors: number, nodes: number, overlap = false) =>
    [...splitWrite({ nodes, overlap, stripeSectors: 2048 }, 5, sector, sectors)].map(
      ({ node, sector, sectors }) => [node, sector, sectors],
    );
  assert.deepEqual(split(2040, 16, 2), [
    [0, 2040, 8],
    [1, 2048, 8],
  ]);
  assert.deepEqual(split(2048, 2048, 3), [[1, 2048, 2048]]);
  assert.deepEqual(split(1024, 4096, 2), [
    [0, 1024, 1024],
    [1, 2048, 2048],
    [0, 4096, 1024],
  ]);
  // A node of its own, or one that may write anywhere, gets the write whole where a payload can be that long.
  assert.deepEqual(split(2040, 16, 1), [[0, 2040, 16]]);
  assert.deepEqual(split(2040, 3000, 4, true), [
    [1, 2040, 2048],
    [1, 4088, 952],
  ]);
});
