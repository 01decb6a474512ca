/** Random scripts: the plain bitmap and the WebAssembly one must cause the same page writes, and these must hold together. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ReferenceBitmap } from "../../src/bitmap/reference.js";
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import { PAGE_BYTES, pageSector, pageWriteBytes } from "../../src/ondisk/slot-geometry.js";
import type { PageWrite } from "../../src/replay/page-write.js";
import { checkScript } from "../../src/replay/read-script.js";
import { replayScript } from "../../src/replay/replay-script.js";
import type { AppWrite, MdCall, ReplayScript } from "../../src/replay/script.js";
import { type ReplayOptions, scriptGeometry } from "../../src/replay/virtual-array.js";
import { CHUNK_BYTES, eventsScript, manyPages, writesScript } from "./scripts.js";

const CHUNKS = 156250;
const NODES = 3;
const geometry = { ...manyPages.geometry, nodes: NODES };

const node = fc.integer({ min: 0, max: NODES - 1 });
const atSeconds = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 40000 }).map((ms) => ms / 1000),
);
/** Few chunks, so that writes meet; both ends of the array and of its pages. */
const chunk = fc.constantFrom(0, 1, 2, 30719, 30720, 63487, 63488, 129024, CHUNKS - 1);
const moment = fc.record({ node, atSeconds });

const appWrite: fc.Arbitrary<AppWrite> = fc
  .record({
    node,
    atSeconds,
    chunk,
    blocks: fc.integer({ min: 1, max: 16 }),
    duration: fc.integer({ min: 0, max: 9 }),
  })
  .chain(({ chunk, blocks, duration, ...at }) =>
    fc.constantFrom("sync" as const, "batch" as const).chain((submit) =>
      fc.option(fc.integer({ min: 0, max: 5 })).map((group) => ({
        ...at,
        submit,
        offsetBytes: chunk * CHUNK_BYTES,
        lengthBytes: blocks * 4096,
        durationSeconds: duration / 2,
        ...(group === null ? {} : { depthGroup: `${submit} ${group}` }),
      })),
    ),
  );

const writesForm = fc
  .record({
    writes: fc.array(appWrite, { maxLength: 40 }),
    wakes: fc.array(moment, { maxLength: 6 }),
    start: fc.record({ events: fc.nat(5), eventsCleared: fc.nat(5), active: fc.boolean() }),
    alone: fc.boolean(),
  })
  .map(({ writes, wakes, start, alone }): ReplayScript => {
    const one = <T extends { readonly node: number }>(given: T): T => (alone ? { ...given, node: 0 } : given);
    return writesScript(writes.map(one), {
      geometry: { ...geometry, nodes: alone ? 0 : NODES },
      wakes: wakes.map(one),
      stops: [{ node: 0, atSeconds: 41 }],
      start,
    });
  });

/** Starts with their ends, and calls in between. */
const eventsForm = fc
  .array(
    fc.oneof(
      fc
        .record({ node, atSeconds, chunk, length: fc.integer({ min: 0, max: 20 }), failed: fc.boolean() })
        .map(({ chunk, length, failed, ...at }): MdCall[] => {
          const span = { sector: chunk * 128, sectors: 32 };
          return [
            { ...at, op: "startWrite", ...span },
            { ...at, op: "unplug" },
            { ...at, atSeconds: at.atSeconds + length, op: "endWrite", ...span, failed },
          ];
        }),
      moment.map((at): MdCall[] => [{ ...at, op: "pass" }]),
      moment.map((at): MdCall[] =>
        [0, 1, 2].map((later) => ({ node: at.node, atSeconds: at.atSeconds + later, op: "pass" })),
      ),
      fc
        .record({
          at: moment,
          op: fc.constantFrom("unplug", "bitmapSuper", "startSync", "closeSync", "endSync"),
        })
        .map(({ at, op }): MdCall[] => [{ ...at, op } as MdCall]),
      fc
        .record({ at: moment, op: fc.constantFrom("fail", "activate"), member: fc.constantFrom("a", "b") })
        .map(({ at, op, member }): MdCall[] => [{ ...at, op, member } as MdCall]),
    ),
    { maxLength: 40 },
  )
  .map((calls) => eventsScript(calls.flat(), { geometry, start: { events: 3, eventsCleared: 1 } }));

const options: fc.Arbitrary<ReplayOptions> = fc.record({
  variant: fc.constantFrom("safe", "mainline", "original"),
  kernel: fc.constantFrom("6.1", "mainline"),
});

function replayed(script: ReplayScript, given: ReplayOptions): PageWrite[] {
  return [...replayScript(checkScript(script, "script", given), given)];
}

function agree(script: ReplayScript, given: ReplayOptions): PageWrite[] {
  const reference = replayed(script, {
    ...given,
    createBitmap: (g, slot) => new ReferenceBitmap(g, slot, 1),
  });
  const wasm = replayed(script, {
    ...given,
    createBitmap: (g, slot) => createWasmBitmap({ geometry: g, slot, ringCapacity: 1, payloadBytes: 0 }),
  });
  assert.deepEqual(wasm, reference);
  return reference;
}

function holdTogether(writes: PageWrite[], script: ReplayScript, given: ReplayOptions): void {
  const slots = scriptGeometry(script, given);
  let last = 0;
  for (const { timeSeconds, node, slot, page, sector, sectors } of writes) {
    assert.ok(timeSeconds >= last && timeSeconds <= script.untilSeconds);
    last = timeSeconds;
    assert.equal(slot, node);
    assert.equal(sector, pageSector(slots, slot, page));
    assert.equal(sectors, pageWriteBytes(slots, slot, page) / 512);
    assert.ok(sectors <= PAGE_BYTES / 512);
  }
}

describe("random scripts", () => {
  it("of application writes cause the same on both bitmaps", () => {
    fc.assert(
      fc.property(writesForm, options, (script, given) => {
        holdTogether(agree(script, given), script, given);
      }),
      { numRuns: 150 },
    );
  });

  it("of md's calls cause the same on both bitmaps", () => {
    fc.assert(
      fc.property(eventsForm, options, (script, given) => {
        holdTogether(agree(script, given), script, given);
      }),
      { numRuns: 150 },
    );
  });

  it("no data before its bitmap: a write's page is out on every member when the write starts on a clean chunk", () => {
    fc.assert(
      fc.property(fc.array(appWrite, { minLength: 1, maxLength: 20 }), (writes) => {
        const alone = writes.map(({ depthGroup: _, ...write }) => write);
        const issued = replayed(writesScript(alone, { geometry }), {});
        for (const { node, atSeconds, offsetBytes } of alone) {
          const page = Math.floor((offsetBytes / CHUNK_BYTES + 2048) / 32768);
          const before = issued.filter(
            (write) => write.node === node && write.page === page && write.timeSeconds <= atSeconds,
          );
          assert.deepEqual(new Set(before.map(({ member }) => member)), new Set(["a", "b"]));
        }
      }),
      { numRuns: 100 },
    );
  });
});
