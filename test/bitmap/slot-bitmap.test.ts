/** The rules of spec §3, told as short stories; each is told of both implementations. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReferenceBitmap } from "../../src/bitmap/reference.js";
import { COUNTER_NEEDED, COUNTER_RESYNC, type SlotBitmap } from "../../src/bitmap/slot-bitmap.js";
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import { SlotmarkError } from "../../src/errors.js";
import type { SlotGeometry } from "../../src/ondisk/slot-geometry.js";
import { type GeometryChoice, geometryOf } from "./geometries.js";

const implementations: Record<string, (geometry: SlotGeometry, slot: number) => SlotBitmap> = {
  "plain definition": (geometry, slot) => new ReferenceBitmap(geometry, slot),
  "WASM hot path": (geometry, slot) => createWasmBitmap({ geometry, slot }),
};

/** Three pages; chunk 30720 is the first of page 1. */
const THREE_PAGES = 70000;

for (const [name, create] of Object.entries(implementations)) {
  const bitmapOf = (choice: Partial<GeometryChoice> = {}, slot = 0) =>
    create(geometryOf({ chunks: THREE_PAGES, chunkSectors: 8, ...choice }), slot);
  const start = (bitmap: SlotBitmap, chunk: number, chunks = 1) => {
    bitmap.ring.sector[0] = chunk * 8;
    bitmap.ring.sectors[0] = chunks * 8;
    assert.equal(bitmap.startWrites(0, 1), 1);
  };
  const end = (bitmap: SlotBitmap, chunk: number, chunks = 1, failed = false) => {
    bitmap.ring.sector[0] = chunk * 8;
    bitmap.ring.sectors[0] = chunks * 8;
    bitmap.endWrites(0, 1, failed);
  };
  const listed = (bitmap: SlotBitmap, count: number) => Array.from(bitmap.pages.page.subarray(0, count));
  const unplug = (bitmap: SlotBitmap) => listed(bitmap, bitmap.unplug());
  const pass = (bitmap: SlotBitmap) => listed(bitmap, bitmap.daemonPass());

  describe(name, () => {
    test("a lone write's bit is set before its data, aged by one pass, cleared by the next and written by the third", () => {
      const bitmap = bitmapOf();
      start(bitmap, 5);
      assert.deepEqual(unplug(bitmap), [0]);
      assert.deepEqual(unplug(bitmap), [], "the page is clean now");
      assert.equal(bitmap.counter(5), 3);
      assert.equal(bitmap.allClean, true, "starting a write is no work for the daemon");
      end(bitmap, 5);
      assert.equal(bitmap.allClean, false);
      assert.deepEqual(pass(bitmap), []);
      assert.equal(bitmap.counter(5), 1);
      assert.equal(bitmap.countDirtyChunks(), 1);
      assert.deepEqual(pass(bitmap), []);
      assert.equal(bitmap.countDirtyChunks(), 0);
      assert.equal(bitmap.allClean, false);
      assert.deepEqual(pass(bitmap), [0]);
      assert.equal(bitmap.allClean, true);
    });

    test("a chunk written again before its bit is gone costs no page write", () => {
      const bitmap = bitmapOf();
      start(bitmap, 5);
      unplug(bitmap);
      end(bitmap, 5);
      pass(bitmap);
      start(bitmap, 5);
      assert.equal(bitmap.counter(5), 3);
      assert.deepEqual(unplug(bitmap), []);
    });

    test("a write over a page's end dirties both pages, and one page is listed once for many chunks", () => {
      const bitmap = bitmapOf();
      start(bitmap, 30700, 40);
      start(bitmap, 30000);
      assert.deepEqual(unplug(bitmap), [0, 1]);
      assert.deepEqual(bitmap.dirtyRanges(), [
        [30000, 30000],
        [30700, 30739],
      ]);
    });

    test("a write finds the clean chunks between those that are not", () => {
      const bitmap = bitmapOf();
      start(bitmap, 0);
      start(bitmap, 39);
      unplug(bitmap);
      start(bitmap, 0, 40);
      assert.deepEqual(unplug(bitmap), [0]);
      assert.deepEqual(bitmap.dirtyRanges(), [[0, 39]]);
      assert.deepEqual(
        [0, 1, 20, 39].map((chunk) => bitmap.counter(chunk)),
        [4, 3, 3, 4],
      );
    });

    test("a pass stops at the first dirty page, and the plug that follows takes what it left", () => {
      const bitmap = bitmapOf();
      for (const chunk of [1, 40000]) {
        start(bitmap, chunk);
        unplug(bitmap);
        end(bitmap, chunk);
      }
      pass(bitmap);
      pass(bitmap);
      start(bitmap, 30720);
      assert.deepEqual(pass(bitmap), [0], "page 1 is dirty");
      assert.deepEqual(unplug(bitmap), [1]);
    });

    test("a plug that writes a page with cleared bits leaves the daemon nothing to write", () => {
      const bitmap = bitmapOf();
      start(bitmap, 1);
      unplug(bitmap);
      end(bitmap, 1);
      pass(bitmap);
      pass(bitmap);
      start(bitmap, 2);
      assert.deepEqual(unplug(bitmap), [0]);
      assert.deepEqual(pass(bitmap), []);
    });

    test("the first pass after the array's events rose writes page 0 with events_cleared", () => {
      const bitmap = bitmapOf();
      bitmap.setArrayState({ events: 7, degraded: false });
      start(bitmap, 40000);
      unplug(bitmap);
      end(bitmap, 40000);
      assert.equal(bitmap.needSync, true);
      assert.equal(bitmap.eventsCleared, 7);
      assert.equal(bitmap.image[32], 0);
      assert.deepEqual(pass(bitmap), [0]);
      assert.equal(bitmap.image[32], 7);
      assert.equal(bitmap.needSync, false);
    });

    test("events_cleared does not hold up clearing: the same pass that writes it clears bits of idle chunks", () => {
      const bitmap = bitmapOf();
      start(bitmap, 1);
      end(bitmap, 1);
      unplug(bitmap);
      pass(bitmap);
      bitmap.needSync = true;
      assert.deepEqual(pass(bitmap), [0]);
      assert.equal(bitmap.countDirtyChunks(), 0);
    });

    test("a write that missed a member leaves its chunks NEEDED: they never age, and resync takes them over", () => {
      const bitmap = bitmapOf();
      bitmap.setArrayState({ events: 7, degraded: true });
      start(bitmap, 5, 2);
      unplug(bitmap);
      end(bitmap, 5, 2, true);
      assert.equal(bitmap.counter(5), COUNTER_NEEDED | 2);
      assert.equal(bitmap.allClean, true);
      assert.equal(bitmap.needSync, false, "a degraded array clears nothing");
      assert.deepEqual(bitmap.startSync(40, true), { needed: true, sectors: 8 });
      assert.equal(bitmap.counter(5), COUNTER_NEEDED | 2, "degraded: only asked");
      assert.deepEqual(bitmap.startSync(40, false), { needed: true, sectors: 8 });
      assert.equal(bitmap.counter(5), COUNTER_RESYNC | 2);
      assert.equal(bitmap.endSync(40, true), 8);
      assert.equal(bitmap.counter(5), COUNTER_NEEDED | 2, "aborted: needed again");
      bitmap.startSync(40, false);
      bitmap.startSync(48, false);
      bitmap.closeSync();
      assert.equal(bitmap.counter(6), 2);
      assert.equal(bitmap.allClean, false);
    });

    test("mainline asks the array whether it is degraded, 6.1 asks the write", () => {
      for (const [kernel, word] of [
        ["mainline", COUNTER_NEEDED | 2],
        ["6.1", 2],
      ] as const) {
        const bitmap = bitmapOf({ kernel });
        bitmap.setArrayState({ events: 7, degraded: true });
        start(bitmap, 5);
        end(bitmap, 5);
        assert.equal(bitmap.counter(5), word, kernel);
      }
    });

    test("the first patches lose the page attributes of bits above slot 0", () => {
      for (const [slot, pages] of [
        [0, [0]],
        [1, []],
      ] as const) {
        const bitmap = bitmapOf({ variant: "original" }, slot);
        start(bitmap, 5);
        assert.deepEqual(unplug(bitmap), pages);
        assert.equal(bitmap.countDirtyChunks(), 1, "the image has the bit all the same");
        bitmap.writeAll();
        assert.deepEqual(unplug(bitmap), [0, 1, 2]);
      }
    });

    test("the last page is trimmed to blocks, on 6.1 only in slot 0", () => {
      const lengths = (kernel: "6.1" | "mainline", slot: number) => {
        const bitmap = bitmapOf({ chunks: 40000, kernel }, slot);
        start(bitmap, 39999);
        assert.deepEqual(unplug(bitmap), [1]);
        assert.equal(bitmap.pages.offsetBytes[0], (16 + slot * 16 + 8) * 512);
        return bitmap.pages.lengthBytes[0];
      };
      // 5256 bytes of superblock and bits: 1160 on page 1.
      assert.equal(lengths("mainline", 0), 1536);
      assert.equal(lengths("mainline", 1), 1536);
      assert.equal(lengths("6.1", 0), 1536);
      assert.equal(lengths("6.1", 1), 4096);
    });

    test("a page listed where the trimmed one was has its whole length again", () => {
      const bitmap = bitmapOf({ chunks: 40000 });
      start(bitmap, 39999);
      unplug(bitmap);
      assert.equal(bitmap.pages.lengthBytes[0], 1536);
      start(bitmap, 0);
      unplug(bitmap);
      assert.equal(bitmap.pages.lengthBytes[0], 4096);
    });

    test("bits on disk are those of pages as last written", () => {
      const bitmap = bitmapOf();
      start(bitmap, 30715, 10);
      assert.equal(bitmap.notePagesWritten(bitmap.unplug()), 10);
      end(bitmap, 30715, 10);
      bitmap.daemonPass();
      bitmap.daemonPass();
      assert.equal(bitmap.countDirtyChunks(), 0);
      assert.equal(bitmap.notePagesWritten(0), 10, "cleared in memory only");
      assert.equal(bitmap.notePagesWritten(bitmap.daemonPass()), 0);
    });

    test("a loaded slot takes its set bits as idle chunks, from a sector on as NEEDED, without its padding", () => {
      const bitmap = bitmapOf({ chunks: 13 });
      bitmap.image.fill(0xff, 256);
      bitmap.load(12 * 8);
      assert.equal(bitmap.counter(10), 2);
      assert.equal(bitmap.counter(11), COUNTER_NEEDED | 2, "its end is sector 96");
      assert.equal(bitmap.countDirtyChunks(), 13);
      assert.equal(bitmap.notePagesWritten(0), 13);
      assert.deepEqual(bitmap.dirtyRanges(), [[0, 12]]);
      bitmap.load(Number.POSITIVE_INFINITY);
      assert.equal(bitmap.counter(12), 2);
    });

    test("a stale slot has all bits set to its end and writes every page", () => {
      const bitmap = bitmapOf();
      bitmap.loadStale(0);
      assert.equal(bitmap.countDirtyChunks(), THREE_PAGES);
      assert.equal(bitmap.image.at(-1), 0xff);
      assert.equal(bitmap.counter(THREE_PAGES - 1), COUNTER_NEEDED | 2);
      assert.deepEqual(unplug(bitmap), [0, 1, 2]);
    });

    test("merging another slot's bits makes them NEEDED and dirty, set before or not", () => {
      const bitmap = bitmapOf();
      start(bitmap, 40000);
      unplug(bitmap);
      const other = new Uint8Array(bitmap.image.length);
      const set = (chunk: number) => {
        const bit = chunk + 2048;
        other[bit >> 3] = (other[bit >> 3] ?? 0) | (1 << (bit & 7));
      };
      assert.equal(bitmap.merge(other), null);
      for (const chunk of [0, 40000]) set(chunk);
      assert.deepEqual(bitmap.merge(other), { firstChunk: 0, lastChunk: 40000 });
      assert.equal(bitmap.counter(0), COUNTER_NEEDED | 2);
      assert.equal(bitmap.counter(40000), COUNTER_NEEDED | 3);
      assert.deepEqual(unplug(bitmap), [0, 1]);
    });

    test("a superblock update writes page 0 alone and takes events_cleared back to the array's events", () => {
      const bitmap = bitmapOf();
      bitmap.eventsCleared = 9;
      bitmap.setArrayState({ events: 7, degraded: false });
      start(bitmap, 5);
      assert.deepEqual(listed(bitmap, bitmap.updateSuperblock()), [0]);
      assert.equal(bitmap.eventsCleared, 7);
      assert.deepEqual([bitmap.image[24], bitmap.image[32]], [7, 7]);
      assert.deepEqual(unplug(bitmap), [0], "its attributes stay");
    });

    test("empty writes and writes past the end are refused by name, after those before them have started", () => {
      const bitmap = bitmapOf({ chunks: 100, chunkSectors: 8, short: 3 });
      for (const [sector, sectors] of [
        [790, 8],
        [797, 1],
        [8, 0],
        [9, 0],
        [0, 0],
        [2 ** 45, 1],
      ] as const) {
        bitmap.ring.sector.set([40, sector]);
        bitmap.ring.sectors.set([8, sectors]);
        const before = bitmap.counter(5);
        const refused = (error: unknown) =>
          error instanceof SlotmarkError &&
          error.code === "write-beyond-array" &&
          error.message.includes(`${sectors} sectors at sector ${sector} `);
        assert.throws(() => bitmap.startWrites(0, 2), refused, `${sectors} sectors at ${sector}`);
        assert.equal(bitmap.counter(5), Math.max(before, 2) + 1);
        assert.throws(() => bitmap.endWrites(0, 2, false), refused);
        assert.equal(bitmap.counter(5), Math.max(before, 2));
      }
    });
  });
}
