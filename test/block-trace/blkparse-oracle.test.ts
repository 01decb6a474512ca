import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { missing, runTool } from "./oracle-tools.js";
import { ALONE, eventsOf, type PlainEvent, prepared, traceFolder } from "./trace-folder.js";

/** The binary form of an event (linux/blktrace_api.h), for blkparse to print: no kernel has to record it. */
const MAGIC = 0x65617407;
const CATEGORY = {
  read: 1,
  write: 2,
  flush: 4,
  sync: 8,
  queue: 16,
  issue: 64,
  complete: 128,
  ahead: 2048,
  meta: 4096,
  discard: 8192,
  fua: 32768,
} as const;
type Category = keyof typeof CATEGORY;
const ACTION = { queue: 1, issue: 7, complete: 8 } as const;
const DEVICE = (8 << 20) | 16;

interface Recorded {
  readonly timeNs: number;
  readonly sector: number;
  readonly sectors: number;
  readonly what: readonly Category[];
}

function binary(events: readonly (Recorded & { readonly step: keyof typeof ACTION })[]): Uint8Array {
  const records = events.map(({ timeNs, sector, sectors, what, step }, index) => {
    const record = Buffer.alloc(48);
    const categories = [...what, step].reduce((bits, one) => bits | CATEGORY[one], 0);
    record.writeUInt32LE(MAGIC, 0);
    record.writeUInt32LE(index + 1, 4);
    record.writeBigUInt64LE(BigInt(timeNs), 8);
    record.writeBigUInt64LE(BigInt(sector), 16);
    record.writeUInt32LE(sectors * 512, 24);
    record.writeUInt32LE((categories * 65536 + ACTION[step]) >>> 0, 28);
    record.writeUInt32LE(4711, 32);
    record.writeUInt32LE(DEVICE, 36);
    return record;
  });
  return Buffer.concat(records);
}

const place = {
  sector: fc.integer({ min: 0, max: 2 ** 40 }),
  sectors: fc.integer({ min: 1, max: 4096 }),
};
const write = fc.record({
  ...place,
  what: fc.subarray<Category>(["flush", "sync", "meta", "fua"]).map((marks) => ["write" as const, ...marks]),
});
const other = fc.oneof(
  fc.record({
    ...place,
    what: fc.constantFrom<Category[]>(["read"], ["read", "ahead", "meta"], ["discard", "write"]),
  }),
  fc.record({
    sector: fc.constant(0),
    sectors: fc.constant(0),
    what: fc.constant<Category[]>(["write", "flush", "sync"]),
  }),
);

test("blkparse prints what was recorded, and of its text each write is taken once", {
  skip: missing("blkparse"),
}, async (context) => {
  const folder = traceFolder(context);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.oneof(write, other), fc.integer({ min: 1, max: 2_000_000 })), {
        minLength: 1,
        maxLength: 40,
      }),
      fc.constantFrom<(keyof typeof ACTION)[]>(
        ["queue", "issue", "complete"],
        ["queue"],
        ["issue", "complete"],
        ["complete"],
      ),
      async (requests, steps) => {
        let timeNs = 0;
        const recorded: Recorded[] = requests.map(([request, laterNs]) => {
          timeNs += laterNs;
          return { ...request, timeNs };
        });
        const events = recorded.flatMap((one) =>
          steps.map((step, at) => ({ ...one, step, timeNs: one.timeNs * 10 + at })),
        );
        fs.writeFileSync(path.join(folder, "x.blktrace.0"), binary(events));
        fs.writeFileSync(path.join(folder, "x.txt"), runTool("blkparse", ["-i", "x"], folder));

        const writes = events.filter(
          ({ what, sectors, step }) =>
            step === steps[0] && what.includes("write") && !what.includes("discard") && sectors > 0,
        );
        const reading = prepared(context, path.join(folder, "x.txt"));
        if (writes.length === 0) {
          await assert.rejects(reading, { code: "trace-without-writes" });
          return;
        }
        const trace = await reading;
        const start = writes[0]?.timeNs ?? 0;
        const [file] = await trace.forNodes({ ...ALONE, stripeSectors: 8192 });
        assert.deepEqual(
          file && eventsOf(file),
          writes.map(({ sector, sectors, timeNs }): PlainEvent => [sector, sectors, timeNs - start]),
        );
        assert.equal(trace.summary.target, "8,16");
        const [first] = steps;
        const count = (of: (what: readonly Category[], sectors: number) => boolean) =>
          recorded.filter(({ what, sectors }) => of(what, sectors)).length;
        assert.equal(trace.summary.action, first === "queue" ? "Q" : first === "issue" ? "D" : "C");
        assert.equal(
          trace.summary.reads,
          count((what) => what.includes("read")),
        );
        assert.equal(
          trace.summary.trims,
          count((what) => what.includes("discard")),
        );
        assert.equal(
          trace.summary.syncs,
          count((what, sectors) => what.includes("flush") && sectors === 0),
        );
        await trace.close();
      },
    ),
    { numRuns: 40 },
  );
});
