/** The one property that holds the WASM hot path to the plain definition: any stream of calls has the same answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ReferenceBitmap } from "../../src/bitmap/reference.js";
import type { SlotBitmap } from "../../src/bitmap/slot-bitmap.js";
import { createWasmBitmap, type WasmBitmap } from "../../src/bitmap/wasm.js";
import { BITMAP_SUPERBLOCK_BYTES, type SlotGeometry } from "../../src/ondisk/slot-geometry.js";
import { geometries, geometryOf } from "./geometries.js";

const RING = 512;

interface Write {
  readonly sector: number;
  readonly sectors: number;
}

/** Where a write begins: a place on the edge, or a fraction of the array; then how long it is, in sectors or in the array's 60ths. */
interface WriteChoice {
  readonly place: "first" | "last" | "pageEdge" | "counterPageEdge" | "anywhere";
  readonly at: number;
  readonly short: number;
  readonly long: number;
}

const writeChoices: fc.Arbitrary<WriteChoice> = fc.record({
  place: fc.constantFrom("first", "last", "pageEdge", "counterPageEdge", "anywhere"),
  at: fc.integer({ min: 0, max: 2 ** 30 }),
  short: fc.integer({ min: 1, max: 40 }),
  long: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 60 })),
});

function writeOf(geometry: SlotGeometry, choice: WriteChoice): Write {
  const { syncSizeSectors: size, chunkSectors } = geometry;
  const near = (chunk: number) => chunk * chunkSectors - (choice.at % (2 * chunkSectors)) + chunkSectors;
  const places = {
    first: choice.at % chunkSectors,
    last: size - 1 - (choice.at % (2 * chunkSectors)),
    pageEdge: near(30720 - 1 + 32768 * (choice.at % 2)),
    counterPageEdge: near(2048 * (1 + (choice.at % 8)) - 1),
    anywhere: Math.floor((choice.at / 2 ** 30) * size),
  };
  const sector = Math.min(Math.max(0, places[choice.place]), size - 1);
  const wanted =
    choice.long > 0 ? Math.floor((size * choice.long) / 60) : choice.short * Math.ceil(chunkSectors / 8);
  return { sector, sectors: Math.max(1, Math.min(wanted, size - sector)) };
}

type Call =
  | { readonly op: "start"; readonly writes: readonly WriteChoice[] }
  | { readonly op: "end"; readonly count: number; readonly failed: boolean }
  | { readonly op: "state"; readonly events: number; readonly degraded: boolean }
  | { readonly op: "load" | "stale"; readonly seed: number; readonly needFrom: number }
  | { readonly op: "merge"; readonly seed: number; readonly density: number }
  | { readonly op: "startSync" | "endSync"; readonly at: WriteChoice; readonly flag: boolean }
  | { readonly op: "ranges"; readonly at: WriteChoice; readonly max: number }
  | { readonly op: "unplug" | "pass" | "quietPasses" | "needSyncPass" | "super" | "writeAll" | "closeSync" };

const calls: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("start" as const),
      writes: fc.array(writeChoices, { maxLength: 12 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("end" as const),
      count: fc.integer({ min: 1, max: 20 }),
      failed: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("state" as const), events: fc.nat(9), degraded: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom("load" as const, "stale" as const),
      seed: fc.nat(),
      needFrom: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("merge" as const),
      seed: fc.nat(),
      density: fc.constantFrom(0, 1, 40, 255),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("startSync" as const, "endSync" as const),
      at: writeChoices,
      flag: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("ranges" as const),
      at: writeChoices,
      max: fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "unplug" as const,
        "pass" as const,
        "quietPasses" as const,
        "needSyncPass" as const,
        "super" as const,
        "writeAll" as const,
        "closeSync" as const,
      ),
    }),
  },
);

/** Long enough that bits live through all their states. */
const streams = fc.array(calls, { maxLength: 60, size: "max" });

/** Image bytes in which a byte is set with `density` of 256; deterministic. */
function scatteredImage(geometry: SlotGeometry, seed: number, density: number): Uint8Array {
  const image = new Uint8Array(geometry.pagesPerSlot * 4096);
  let state = (seed | 1) >>> 0;
  for (let byte = BITMAP_SUPERBLOCK_BYTES; byte < image.length; byte++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (state >>> 24 < density) image[byte] = (state >>> 8) & 0xff;
  }
  return image;
}

/** Carries one call out; the answer is what the caller sees. Writes in flight are the test's to remember. */
function carryOut(bitmap: SlotBitmap, call: Call, inFlight: readonly Write[], dirty: Ranges): unknown {
  const { geometry } = bitmap;
  switch (call.op) {
    case "start": {
      const writes = call.writes.map((choice) => writeOf(geometry, choice));
      fill(bitmap, writes);
      return bitmap.startWrites(7, writes.length);
    }
    case "end": {
      const ended = inFlight.slice(0, call.count);
      fill(bitmap, ended);
      return bitmap.endWrites(7, ended.length, call.failed);
    }
    case "state":
      return bitmap.setArrayState(call);
    case "load":
      bitmap.image.set(scatteredImage(geometry, call.seed, call.seed % 60).subarray(256), 256);
      return bitmap.load(call.needFrom * geometry.syncSizeSectors);
    case "stale":
      return bitmap.loadStale(call.needFrom * geometry.syncSizeSectors);
    case "merge":
      return bitmap.merge(scatteredImage(geometry, call.seed, call.density));
    case "startSync":
      return bitmap.startSync(syncSector(geometry, call.at, dirty), call.flag);
    case "endSync":
      return bitmap.endSync(syncSector(geometry, call.at, dirty), call.flag);
    case "ranges": {
      const from = Math.floor(writeOf(geometry, call.at).sector / geometry.chunkSectors);
      return bitmap.dirtyRanges(from, call.max);
    }
    case "unplug":
      return listed(bitmap, bitmap.unplug());
    case "pass":
      return listed(bitmap, bitmap.daemonPass());
    case "quietPasses":
      return [0, 1, 2].map(() => listed(bitmap, bitmap.daemonPass()));
    case "needSyncPass":
      bitmap.needSync = true;
      return listed(bitmap, bitmap.daemonPass());
    case "super":
      return listed(bitmap, bitmap.updateSuperblock());
    case "writeAll":
      return bitmap.writeAll();
    case "closeSync":
      return bitmap.closeSync();
  }
}

type Ranges = readonly (readonly [number, number])[];

/** A resync mostly goes where bits are set. */
function syncSector(geometry: SlotGeometry, at: WriteChoice, dirty: Ranges): number {
  const range = dirty[at.at % (dirty.length + 1)];
  return range === undefined ? writeOf(geometry, at).sector : range[0] * geometry.chunkSectors;
}

function fill(bitmap: SlotBitmap, writes: readonly Write[]): void {
  writes.forEach(({ sector, sectors }, i) => {
    bitmap.ring.sector[7 + i] = sector;
    bitmap.ring.sectors[7 + i] = sectors;
  });
}

function listed(bitmap: SlotBitmap, count: number): unknown {
  const { page, offsetBytes, lengthBytes } = bitmap.pages;
  return {
    pages: Array.from(page.subarray(0, count)),
    offsets: Array.from(offsetBytes.subarray(0, count)),
    lengths: Array.from(lengthBytes.subarray(0, count)),
    onDisk: bitmap.notePagesWritten(count),
  };
}

function assertSameState(plain: ReferenceBitmap, fast: WasmBitmap): void {
  assert.equal(fast.allClean, plain.allClean, "allClean");
  assert.equal(fast.needSync, plain.needSync, "needSync");
  assert.equal(fast.eventsCleared, plain.eventsCleared, "eventsCleared");
  assert.equal(Buffer.compare(fast.image, plain.image), 0, "images");
  for (let chunk = 0; chunk < plain.geometry.chunks; chunk++) {
    if (fast.counter(chunk) !== plain.counter(chunk)) {
      assert.equal(fast.counter(chunk), plain.counter(chunk), `counter of chunk ${chunk}`);
    }
  }
}

test("the WASM hot path answers every stream of calls as the plain definition does", () => {
  fc.assert(
    fc.property(geometries, fc.nat(3), streams, (geometry, slot, stream) => {
      const plain = new ReferenceBitmap(geometry, slot, RING);
      const fast = createWasmBitmap({ geometry, slot, ringCapacity: RING });
      let inFlight: Write[] = [];
      for (const call of stream) {
        const dirty = plain.dirtyRanges(0, 3);
        const expected = carryOut(plain, call, inFlight, dirty);
        assert.deepEqual(carryOut(fast, call, inFlight, dirty), expected, JSON.stringify(call));
        if (call.op === "start") inFlight.push(...call.writes.map((choice) => writeOf(geometry, choice)));
        if (call.op === "end") inFlight = inFlight.slice(call.count);
        if (call.op === "load" || call.op === "stale") inFlight = [];
        assert.equal(fast.allClean, plain.allClean, JSON.stringify(call));
      }
      assertSameState(plain, fast);
      assert.equal(fast.countDirtyChunks(), plain.countDirtyChunks());
      const ranges = plain.dirtyRanges();
      assert.deepEqual(fast.dirtyRanges(), ranges);
      const numbers: number[] = [];
      fast.forDirtyChunks((some) => numbers.push(...some));
      assert.deepEqual(
        numbers,
        ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
      );
    }),
    { numRuns: 250 },
  );
});

test("a counter that is full refuses the same event in both, which has changed nothing", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.array(
        fc.record({ chunk: fc.integer({ min: 0, max: 50 }), length: fc.integer({ min: 1, max: 20 }) }),
        {
          minLength: 1,
          maxLength: 20,
        },
      ),
      fc.integer({ min: 16370, max: 16381 }),
      (crowded, probes, crowd) => {
        const geometry = geometryOf({ chunks: 71, chunkSectors: 8 });
        const plain = new ReferenceBitmap(geometry, 0, 16400);
        const fast = createWasmBitmap({ geometry, slot: 0, ringCapacity: 16400 });
        for (const bitmap of [plain, fast]) {
          bitmap.ring.sector.fill(crowded * 8, 0, crowd);
          bitmap.ring.sectors.fill(1, 0, crowd);
          assert.equal(bitmap.startWrites(0, crowd), crowd);
        }
        for (const { chunk, length } of probes) {
          const [expected, found] = [plain, fast].map((bitmap) => {
            bitmap.ring.sector.fill(chunk * 8, 16390, 16393);
            bitmap.ring.sectors.fill(length * 8, 16390, 16393);
            const started = bitmap.startWrites(16390, 3);
            if (started === 0) bitmap.endWrites(0, 1, false);
            return started;
          });
          assert.equal(found, expected);
        }
        assertSameState(plain, fast);
      },
    ),
    { numRuns: 20 },
  );
});
