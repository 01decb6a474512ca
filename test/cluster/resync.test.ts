import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ReferenceBitmap } from "../../src/bitmap/reference.js";
import { COUNTER_NEEDED, COUNTER_RESYNC, type SlotBitmap } from "../../src/bitmap/slot-bitmap.js";
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import {
  type CopyOutcome,
  RESYNC_UNIT_SECTORS,
  RESYNC_WINDOW_SECTORS,
  type ResyncJob,
  resync,
} from "../../src/cluster/resync.js";
import type { SlotGeometry } from "../../src/ondisk/slot-geometry.js";
import { geometryOf } from "../bitmap/geometries.js";

/** A bitmap whose chunks are dirty as after the load of a dead node's slot: NEEDED from a sector on, or everywhere. */
function loaded(bitmap: SlotBitmap, dirty: readonly number[], needFromSector = 0): SlotBitmap {
  const source = new ReferenceBitmap(bitmap.geometry, 0);
  for (const chunk of dirty) {
    source.ring.sector[0] = chunk * bitmap.geometry.chunkSectors;
    source.ring.sectors[0] = 1;
    source.startWrites(0, 1);
  }
  bitmap.image.set(source.image);
  bitmap.load(needFromSector);
  return bitmap;
}

/** A job that notes what it is asked for, and holds every copy to the window announced last. */
class Watched implements ResyncJob {
  readonly windows: [number, number][] = [];
  readonly checkpoints: number[] = [];
  readonly copies: [number, number][] = [];
  isDegraded = false;
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  copied: (sector: number, sectors: number) => CopyOutcome = () => "copied";

  constructor(
    readonly bitmap: SlotBitmap,
    readonly everything = false,
  ) {}

  degraded(): boolean {
    return this.isDegraded;
  }

  copy(sector: number, sectors: number): CopyOutcome {
    const [low, high] = this.windows.at(-1) ?? [0, 0];
    assert.ok(sector >= low && sector + sectors <= high, `${sector}+${sectors} outside ${low} to ${high}`);
    assert.ok(sectors >= 1 && sectors <= RESYNC_UNIT_SECTORS);
    const outcome = this.copied(sector, sectors);
    if (outcome === "copied") this.copies.push([sector, sectors]);
    return outcome;
  }

  async announce(low: number, high: number): Promise<void> {
    // The other nodes answer later: nothing may be copied before.
    await new Promise((resolve) => setImmediate(resolve));
    this.windows.push([low, high]);
  }

  async checkpoint(sector: number): Promise<void> {
    this.checkpoints.push(sector);
  }

  /** Chunks of which every sector was copied. */
  wholeChunks(): number[] {
    const { chunks, chunkSectors, syncSizeSectors } = this.bitmap.geometry;
    const copied = new Uint8Array(syncSizeSectors);
    for (const [sector, sectors] of this.copies) {
      assert.ok(copied.subarray(sector, sector + sectors).every((seen) => seen === 0));
      copied.fill(1, sector, sector + sectors);
    }
    const whole = (chunk: number) =>
      copied.subarray(chunk * chunkSectors, (chunk + 1) * chunkSectors).every((seen) => seen === 1);
    return Array.from({ length: chunks }, (_, chunk) => chunk).filter(whole);
  }
}

function chunksWith(bitmap: SlotBitmap, flag: number): number[] {
  const all = Array.from({ length: bitmap.geometry.chunks }, (_, chunk) => chunk);
  return all.filter((chunk) => (bitmap.counter(chunk) & flag) !== 0);
}

const cases = fc
  .record({
    chunks: fc.integer({ min: 1, max: 900 }),
    chunkSectors: fc.constantFrom(8, 64, 128, 1024),
    short: fc.nat(1023),
    wasm: fc.boolean(),
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 900, maxLength: 900 }),
  })
  .map(({ seed, spread, wasm, ...choice }) => {
    const geometry = geometryOf(choice);
    const dirty = seed.flatMap((value, chunk) => (chunk < choice.chunks && value < spread ? [chunk] : []));
    return { geometry, dirty, bitmap: newBitmap(geometry, wasm) };
  });

function newBitmap(geometry: SlotGeometry, wasm: boolean): SlotBitmap {
  return wasm ? createWasmBitmap({ geometry, slot: 1 }) : new ReferenceBitmap(geometry, 1);
}

test("a resync copies the chunks that need it, each once and under its window, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ dirty, bitmap }) => {
      const job = new Watched(loaded(bitmap, dirty));
      const { end, copiedSectors, reachedSector, windows } = await resync(job);
      assert.equal(end, "done");
      assert.equal(reachedSector, bitmap.geometry.syncSizeSectors);
      assert.deepEqual(job.wholeChunks(), dirty);
      assert.equal(
        copiedSectors,
        job.copies.reduce((sum, [, sectors]) => sum + sectors, 0),
      );
      assert.equal(windows, job.windows.length);
      assert.deepEqual(chunksWith(bitmap, COUNTER_NEEDED | COUNTER_RESYNC), []);
      for (const [low, high] of job.windows) assert.equal(high - low, RESYNC_WINDOW_SECTORS);
    }),
    { numRuns: 60 },
  );
});

test("a resync that is stopped leaves exactly the chunks that it has not copied wholly", async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.nat(60), async ({ dirty, bitmap }, after) => {
      const job = new Watched(loaded(bitmap, dirty));
      job.copied = () => {
        if (job.copies.length === after) job.controller.abort();
        return "copied";
      };
      const { end } = await resync(job);
      const left = new Set(job.wholeChunks());
      assert.deepEqual(
        chunksWith(bitmap, COUNTER_NEEDED),
        dirty.filter((chunk) => !left.has(chunk)),
      );
      assert.deepEqual(chunksWith(bitmap, COUNTER_RESYNC), []);
      assert.equal(end === "done", left.size === dirty.length);
      // Whoever goes on copies the rest.
      const next = new Watched(bitmap);
      assert.equal((await resync(next)).end, "done");
      assert.deepEqual(
        next.wholeChunks(),
        dirty.filter((chunk) => !left.has(chunk)),
      );
    }),
    { numRuns: 60 },
  );
});

for (const outcome of ["memberLost", "unreadable", "nowhere"] as const) {
  test(`a unit that ends as ${outcome} leaves its chunks and all after them NEEDED`, async () => {
    const geometry = geometryOf({ chunks: 64, chunkSectors: 8 });
    const dirty = Array.from({ length: 64 }, (_, chunk) => chunk);
    const job = new Watched(loaded(newBitmap(geometry, true), dirty));
    job.copied = (sector) => (sector < 256 ? "copied" : outcome);
    const { end, reachedSector } = await resync(job);
    assert.equal(end, outcome);
    assert.equal(reachedSector, 256);
    assert.deepEqual(chunksWith(job.bitmap, COUNTER_NEEDED), dirty.slice(32));
    assert.deepEqual(chunksWith(job.bitmap, COUNTER_RESYNC), []);
  });
}

test("an announcement that fails passes through and leaves what was not copied NEEDED", async () => {
  const geometry = geometryOf({ chunks: 2048, chunkSectors: 128 });
  const dirty = [3, 4, 1500];
  const job = new Watched(loaded(newBitmap(geometry, true), dirty));
  const announce = job.announce.bind(job);
  job.announce = (low, high) =>
    low > 10_000 ? Promise.reject(new Error("nobody answers")) : announce(low, high);
  await assert.rejects(resync(job), { message: "nobody answers" });
  assert.deepEqual(chunksWith(job.bitmap, COUNTER_NEEDED), [1500]);
});

test("a degraded array's chunks are copied to those who are there, and stay NEEDED", async () => {
  const geometry = geometryOf({ chunks: 200, chunkSectors: 128 });
  const dirty = [0, 1, 77];
  const job = new Watched(loaded(newBitmap(geometry, true), dirty));
  job.isDegraded = true;
  assert.equal((await resync(job)).end, "done");
  assert.deepEqual(job.wholeChunks(), dirty);
  assert.deepEqual(chunksWith(job.bitmap, COUNTER_NEEDED), dirty);
});

test("clean spans cost neither copies nor messages", async () => {
  const geometry = geometryOf({ chunks: 1_000_000, chunkSectors: 128 });
  const clean = new Watched(loaded(newBitmap(geometry, true), []));
  const { end, windows } = await resync(clean);
  assert.deepEqual([end, windows, clean.windows, clean.checkpoints], ["done", 0, [], []]);

  // Set bits that need nothing are passed over as well.
  const aged = new Watched(loaded(newBitmap(geometry, true), [5, 6, 7, 999_999], Number.POSITIVE_INFINITY));
  assert.equal((await resync(aged)).windows, 0);
});

test("everything: a new member gets what no bit covers too, in full windows one unit before the last one's end", async () => {
  const geometry = geometryOf({ chunks: 1200, chunkSectors: 128, short: 60 });
  const job = new Watched(loaded(newBitmap(geometry, true), [9]), true);
  const { end, copiedSectors } = await resync(job);
  assert.deepEqual([end, copiedSectors], ["done", geometry.syncSizeSectors]);
  // golden/dlm: lows of the captured RESYNCING messages are multiples of 65,408 sectors.
  assert.deepEqual(
    job.windows.map(([low]) => low),
    [0, 65_408, 130_816],
  );
  assert.deepEqual(job.checkpoints, [65_408, 130_816]);
});

test("chunks far apart: a window and a checkpoint each, as the kernel recovers a dead node's (golden K_kill)", async () => {
  const geometry = geometryOf({ chunks: 16_352, chunkSectors: 128 });
  const dirty = [100, 1600, 3100, 4600, 6100, 7600, 9100, 10_600];
  const job = new Watched(loaded(newBitmap(geometry, true), dirty));
  await resync(job);
  const sectors = dirty.map((chunk) => chunk * 128);
  assert.deepEqual(
    job.copies,
    sectors.map((sector) => [sector, 128]),
  );
  assert.deepEqual(
    job.windows.map(([low]) => low),
    sectors,
  );
  assert.deepEqual(job.checkpoints, sectors);
});
