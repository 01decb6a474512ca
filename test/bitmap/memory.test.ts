import assert from "node:assert/strict";
import { test } from "node:test";
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import { SlotmarkError } from "../../src/errors.js";
import { geometryOf } from "./geometries.js";

const TIB_SECTORS = 2 ** 31;
const hugeArray = (chunkBytes: number) =>
  geometryOf({ chunks: (100 * TIB_SECTORS * 512) / chunkBytes, chunkSectors: chunkBytes / 512 });

test("one slot of 100 TiB with chunks of 64 KiB works, and costs only what it touches", () => {
  const geometry = hugeArray(65536);
  const before = process.memoryUsage.rss();
  const bitmap = createWasmBitmap({ geometry, slot: 0 });
  const last = geometry.syncSizeSectors - 8;
  bitmap.ring.sector.set([0, last, 40 * TIB_SECTORS]);
  bitmap.ring.sectors.fill(8);
  assert.equal(bitmap.startWrites(0, 3), 3);
  assert.equal(bitmap.unplug(), 3);
  assert.deepEqual(Array.from(bitmap.pages.page.subarray(0, 3)), [0, 20480, geometry.pagesPerSlot - 1]);
  assert.equal(bitmap.pages.offsetBytes[2], (16 + (geometry.pagesPerSlot - 1) * 8) * 512);
  bitmap.endWrites(0, 3, false);
  assert.equal(bitmap.counter(geometry.chunks - 1), 2);
  for (const pages of [0, 0, 3]) assert.equal(bitmap.daemonPass(), pages);
  assert.equal(bitmap.counter(geometry.chunks - 1), 0);
  const grownMiB = (process.memoryUsage.rss() - before) / 2 ** 20;
  assert.ok(grownMiB < 100, `resident memory grew by ${grownMiB} MiB`);
});

test("a bitmap that does not fit is refused with the bytes it needs and the chunk that fits", () => {
  assert.throws(
    () => createWasmBitmap({ geometry: hugeArray(32768), slot: 0 }),
    (error) =>
      error instanceof SlotmarkError &&
      error.kind === "input" &&
      error.code === "bitmap-too-large" &&
      /needs [67]\d{9} bytes/.test(error.message) &&
      error.remedy.includes("--chunk 64K "),
  );
});

test("64 slots live side by side in one process", () => {
  const geometry = geometryOf({ chunks: 1638400 });
  const bitmaps = Array.from({ length: 64 }, (_, slot) => createWasmBitmap({ geometry, slot }));
  bitmaps.forEach((bitmap, slot) => {
    bitmap.ring.sector[0] = slot * 128;
    bitmap.ring.sectors[0] = 128;
    bitmap.startWrites(0, 1);
  });
  bitmaps.forEach((bitmap, slot) => {
    assert.deepEqual(bitmap.dirtyRanges(), [[slot, slot]]);
  });
});

test("page images and payload lie on page boundaries of linear memory, and the payload is not zeros", () => {
  const bitmap = createWasmBitmap({ geometry: geometryOf({ chunks: 40000 }), slot: 0, payloadBytes: 12288 });
  assert.equal(bitmap.imageOffsetBytes % 4096, 0);
  assert.equal(bitmap.payloadOffsetBytes % 4096, 0);
  assert.equal(bitmap.image.byteOffset, bitmap.imageOffsetBytes);
  const payload = bitmap.memory.subarray(bitmap.payloadOffsetBytes, bitmap.payloadOffsetBytes + 12288);
  const zeros = payload.filter((byte) => byte === 0).length;
  assert.ok(zeros > 0 && zeros < 12288 / 64, `${zeros} zero bytes`);
});
