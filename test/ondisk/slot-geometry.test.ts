/** Slot geometry: the worked examples, a second computation, and the first patches' aliasing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  geometryUnder,
  pageSector,
  pageWriteBytes,
  type SlotGeometryInput,
  slotGeometry,
  slotSector,
  slotsEndSector,
} from "../../src/ondisk/slot-geometry.js";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

/** An array at the usual places, with room for any slots. */
function input(
  sizeBytes: number,
  chunkBytes: number,
  rest: Partial<SlotGeometryInput> = {},
): SlotGeometryInput {
  return {
    syncSizeSectors: sizeBytes / 512,
    chunkBytes,
    nodes: 4,
    superOffsetSectors: 8,
    bitmapOffsetSectors: 8,
    dataOffsetSectors: 2 ** 45,
    logicalBlockBytes: 512,
    ...rest,
  };
}

// Spec §2.2: size, chunk, bits, bytes, pages, stride.
const WORKED: readonly (readonly [number, number, number, number, number, number])[] = [
  [64 * MIB, 64 * KIB, 1024, 384, 1, 8],
  [64 * MIB, 64 * MIB, 1, 257, 1, 8],
  [GIB, 64 * KIB, 16384, 2304, 1, 8],
  [GIB, 4 * MIB, 256, 288, 1, 8],
  [100 * GIB, 64 * KIB, 1638400, 205056, 51, 408],
  [100 * GIB, 4 * MIB, 25600, 3456, 1, 8],
  [100 * GIB, 64 * MIB, 1600, 456, 1, 8],
  [10 * TIB, 64 * KIB, 167772160, 20971776, 5121, 40968],
  [10 * TIB, 4 * MIB, 2621440, 327936, 81, 648],
  [10 * TIB, 64 * MIB, 163840, 20736, 6, 48],
];

test("the worked examples of the spec", () => {
  for (const [size, chunk, chunks, bytes, pages, stride] of WORKED) {
    const geometry = slotGeometry(input(size, chunk));
    assert.deepEqual(
      [geometry.chunks, geometry.bitmapBytes, geometry.pagesPerSlot, geometry.strideSectors],
      [chunks, bytes, pages, stride],
    );
  }
});

test("one page holds 30720 chunks, and one more needs a second", () => {
  for (const chunk of [64 * KIB, 4 * MIB, 64 * MIB]) {
    assert.equal(slotGeometry(input(30720 * chunk, chunk)).pagesPerSlot, 1);
    assert.equal(slotGeometry(input(30720 * chunk + 512, chunk)).pagesPerSlot, 2);
  }
});

const sizes = fc.integer({ min: 1, max: (100 * TIB) / 512 }).map((sectors) => sectors * 512);
const chunks = fc.integer({ min: 9, max: 31 }).map((power) => 2 ** power);

test("a second computation, in whole numbers without limit, agrees", () => {
  fc.assert(
    fc.property(sizes, chunks, fc.integer({ min: 1, max: 64 }), (sizeBytes, chunkBytes, nodes) => {
      const geometry = slotGeometry(input(sizeBytes, chunkBytes, { nodes }));
      const bits = (BigInt(sizeBytes) + BigInt(chunkBytes) - 1n) / BigInt(chunkBytes);
      const blocks = ((bits + 7n) / 8n + 256n + 4095n) / 4096n;
      assert.equal(BigInt(geometry.chunks), bits);
      assert.equal(BigInt(geometry.strideSectors), blocks * 8n);
      for (const slot of [0, nodes - 1]) {
        assert.equal(BigInt(slotSector(geometry, slot)), 16n + BigInt(slot) * blocks * 8n);
        const last = geometry.pagesPerSlot - 1;
        assert.equal(
          BigInt(pageSector(geometry, slot, last)),
          16n + (BigInt(slot) * blocks + BigInt(last)) * 8n,
        );
      }
    }),
  );
});

test("no two slots overlap, none reaches the data, and every bit has its place in its slot", () => {
  fc.assert(
    fc.property(sizes, chunks, fc.integer({ min: 2, max: 64 }), (sizeBytes, chunkBytes, nodes) => {
      const { strideSectors } = slotGeometry(input(sizeBytes, chunkBytes));
      const dataOffsetSectors = 16 + nodes * strideSectors;
      const geometry = slotGeometry(input(sizeBytes, chunkBytes, { nodes, dataOffsetSectors }));
      for (let slot = 0; slot < nodes; slot++) {
        const end = pageSector(geometry, slot, geometry.pagesPerSlot - 1) + 8;
        assert.equal(end, slot === nodes - 1 ? dataOffsetSectors : slotSector(geometry, slot + 1));
      }
      const lastBit = geometry.chunks - 1 + 2048;
      assert.equal(Math.floor(lastBit / 32768), geometry.pagesPerSlot - 1);
      assert.throws(
        () => slotGeometry(input(sizeBytes, chunkBytes, { nodes, dataOffsetSectors: dataOffsetSectors - 1 })),
        { code: "slots-beyond-data-offset" },
      );
    }),
  );
});

describe("as the first patches computed it", () => {
  const original = (sectors: number, chunkBytes: number, nodes = 4) =>
    slotGeometry({ ...input(sectors * 512, chunkBytes), nodes, variant: "original" });

  test("the stride is the remainder: the spec's figures", () => {
    assert.equal(original((100 * GIB) / 512, 64 * KIB).strideSectors, 0);
    assert.equal(original((GIB + MIB) / 512, 4 * MIB).strideSectors, 32);
    assert.equal(original((GIB + MIB) / 512, 64 * MIB).strideSectors, 32);
    const disk = 1953260976;
    assert.equal(original(disk, 64 * KIB).strideSectors, 8);
    assert.equal(original(disk, 4 * MIB).strideSectors, 24);
    assert.equal(original(disk, 64 * MIB).strideSectors, 408);
    const mainline = [64 * KIB, 4 * MIB, 64 * MIB].map(
      (chunk) => slotGeometry(input(disk * 512, chunk)).strideSectors,
    );
    assert.deepEqual(mainline, [3728, 64, 8]);
  });

  test("a size of whole chunks: every slot's superblock is slot 0's", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 7 }), fc.integer({ min: 16, max: 26 }), (count, power) => {
        const geometry = original((count * 2 ** power) / 512, 2 ** power);
        for (let slot = 0; slot < 4; slot++) {
          assert.equal(slotSector(geometry, slot), 16);
          // Slots of one page are the same; larger ones share a page with each neighbour.
          const firstPage = pageSector(geometry, slot, 0);
          if (geometry.pagesPerSlot === 1) assert.equal(firstPage, 16);
          if (slot > 0) {
            assert.equal(firstPage, pageSector(geometry, slot - 1, geometry.pagesPerSlot - 1));
          }
        }
      }),
    );
  });
});

test("the same array under other behaviour", () => {
  fc.assert(
    fc.property(sizes, chunks, (sizeBytes, chunkBytes) => {
      const safe = slotGeometry(input(sizeBytes, chunkBytes));
      for (const variant of ["safe", "mainline", "original"] as const) {
        for (const kernel of ["6.1", "mainline"] as const) {
          const expected = slotGeometry(input(sizeBytes, chunkBytes, { variant, kernel }));
          assert.deepEqual(geometryUnder(safe, { variant, kernel }), expected);
          assert.ok(slotsEndSector(expected) >= slotSector(expected, 3) + 8);
        }
      }
      assert.equal(slotsEndSector(safe), 16 + 4 * safe.strideSectors);
    }),
  );
});

describe("size of a page write", () => {
  const trimmed = slotGeometry(input(100 * GIB, 64 * MIB)); // 456 bytes in its only page

  test("the last page is trimmed to logical blocks, others are whole", () => {
    assert.equal(pageWriteBytes(trimmed, 0, 0), 512);
    assert.equal(pageWriteBytes(trimmed, 3, 0), 512);
    assert.equal(pageWriteBytes({ ...trimmed, logicalBlockBytes: 4096 }, 3, 0), 4096);
    const pages = slotGeometry(input(100 * GIB, 256 * KIB));
    assert.equal(pageWriteBytes(pages, 1, 0), 4096);
    assert.equal(pages.bitmapBytes % 4096, 2304);
    assert.equal(pageWriteBytes(pages, 1, pages.pagesPerSlot - 1), 2560);
  });

  test("6.1 and the first patches trim slot 0 alone", () => {
    for (const older of [{ kernel: "6.1" }, { variant: "original" }] as const) {
      const geometry = slotGeometry(input(100 * GIB + 512, 64 * MIB, older));
      assert.equal(pageWriteBytes(geometry, 0, 0), 512);
      assert.equal(pageWriteBytes(geometry, 1, 0), 4096);
    }
  });

  test("an optimal I/O size above the logical block rounds up, never past the page, and not into the data", () => {
    assert.equal(pageWriteBytes({ ...trimmed, optimalIoBytes: 1024 }, 0, 0), 1024);
    assert.equal(pageWriteBytes({ ...trimmed, optimalIoBytes: 3072 }, 0, 0), 3072);
    assert.equal(pageWriteBytes({ ...trimmed, optimalIoBytes: 65536 }, 0, 0), 4096);
    assert.equal(pageWriteBytes({ ...trimmed, optimalIoBytes: 512 }, 0, 0), 512);
    const tight = { ...trimmed, optimalIoBytes: 65536, dataOffsetSectors: 16 + 4 * 8 };
    assert.equal(pageWriteBytes(tight, 3, 0), 512);
    assert.equal(pageWriteBytes({ ...trimmed, optimalIoBytes: 4096, kernel: "6.1" }, 0, 0), 512);
  });
});

describe("what no array has", () => {
  for (const [what, code, wrong] of [
    ["a chunk that is no power of two", "chunk-not-power-of-two", { chunkBytes: 96 * KIB }],
    ["a chunk below 512 bytes", "chunk-not-power-of-two", { chunkBytes: 256 }],
    ["a chunk of 4 GiB", "chunk-too-large", { chunkBytes: 2 ** 32 }],
    ["65 nodes", "too-many-nodes", { nodes: 65 }],
    ["half a node", "geometry-invalid", { nodes: 2.5 }],
    ["no size", "geometry-invalid", { syncSizeSectors: 0 }],
    ["a size that is no number", "geometry-invalid", { syncSizeSectors: Number.NaN }],
    ["a negative data offset", "geometry-invalid", { dataOffsetSectors: -8 }],
    ["slots before the member's start", "slots-beyond-data-offset", { bitmapOffsetSectors: -16 }],
  ] satisfies [string, string, Partial<SlotGeometryInput>][]) {
    test(what, () => {
      assert.throws(() => slotGeometry(input(GIB, 64 * KIB, wrong)), { code });
    });
  }
});
