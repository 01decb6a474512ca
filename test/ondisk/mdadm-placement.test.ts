/** mdadm's placement: the spec's figures, its limits, what it refuses, and --beyond-mdadm. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { kernelSyncSizeSectors, LAYOUT_NEAR_2, mdadmSyncSizeSectors } from "../../src/ondisk/array-size.js";
import {
  bitmapRoomSectors,
  dataOffsetSectors,
  minimumChunkBytes,
  type PlacementRequest,
  placeArray,
} from "../../src/ondisk/mdadm-placement.js";
import { slotGeometry } from "../../src/ondisk/slot-geometry.js";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

function request(sizeBytes: number, rest: Partial<PlacementRequest> = {}): PlacementRequest {
  return {
    members: ["a", "b"].map((path) => ({ path, sizeSectors: Math.floor(sizeBytes / 512) })),
    level: 1,
    nodes: 4,
    chunkBytes: "default",
    beyondMdadm: false,
    ...rest,
  };
}

test("data offsets (spec §2.3)", () => {
  assert.equal(dataOffsetSectors((64 * MIB) / 512, 0), 2048);
  assert.equal(dataOffsetSectors(GIB / 512, 0), 2 * 2048);
  assert.equal(dataOffsetSectors((100 * GIB) / 512, 0), 65 * 2048);
  assert.equal(dataOffsetSectors(TIB / 512, 0), 129 * 2048);
  assert.equal(dataOffsetSectors((100 * TIB) / 512, 0), 129 * 2048);
  // A raid chunk of 512 KiB keeps a headroom of at least 1 MiB.
  assert.equal(dataOffsetSectors((64 * MIB) / 512, 512), 2 * 2048);
});

test("room for one slot steps at 8 and 200 GiB", () => {
  const steps = [127, 128, 16777216 + 8, 16777216 + 9, 419430400 + 127, 419430400 + 128];
  assert.deepEqual(steps.map(bitmapRoomSectors), [0, 8, 8, 128, 128, 256]);
});

test("smallest chunks (spec §2.3)", () => {
  const smallest = (sizeBytes: number) => minimumChunkBytes(sizeBytes / 512, sizeBytes / 512);
  assert.deepEqual([64 * MIB, GIB, 100 * GIB, 10 * TIB, 100 * TIB].map(smallest), [
    4 * KIB,
    64 * KIB,
    256 * KIB,
    16 * MIB,
    128 * MIB,
  ]);
});

test("the default chunk is 64 MiB, or the smallest where that is more", () => {
  assert.equal(placeArray(request(64 * MIB)).chunkBytes, 64 * MIB);
  assert.equal(placeArray(request(100 * TIB)).chunkBytes, 128 * MIB);
});

test("mdadm's own chunks that the lab saw refused are refused", () => {
  for (const [size, chunks] of [
    [100 * GIB, [64 * KIB, 128 * KIB]],
    [GIB, [4 * KIB, 16 * KIB, 32 * KIB]],
  ] as const) {
    for (const chunkBytes of chunks) {
      assert.throws(() => placeArray(request(size, { chunkBytes })), {
        code: "chunk-too-small",
        kind: "usage",
      });
      assert.equal(placeArray(request(size, { chunkBytes, beyondMdadm: true })).chunkBytes, chunkBytes);
    }
  }
});

describe("refused", () => {
  for (const [what, code, wrong] of [
    ["one node", "too-few-nodes", { nodes: 1 }],
    ["65 nodes", "too-many-nodes", { nodes: 65 }],
    ["level 5", "level-unsupported", { level: 5 as never }],
    ["one member", "too-few-members", { members: [{ path: "a", sizeSectors: 2 ** 21 }] }],
    ["a chunk that is no power of two", "chunk-not-power-of-two", { chunkBytes: 3 * MIB }],
    ["a chunk of 4 GiB", "chunk-too-large", { chunkBytes: 2 ** 32 }],
    [
      "members without room for data",
      "member-too-small",
      {
        members: ["a", "b"].map((path) => ({ path, sizeSectors: 2048 + 127 })),
      },
    ],
    [
      "a second member that is too small",
      "member-too-small",
      {
        members: [
          { path: "a", sizeSectors: (100 * GIB) / 512 },
          { path: "b", sizeSectors: (64 * MIB) / 512 },
        ],
      },
    ],
  ] satisfies [string, string, Partial<PlacementRequest>][]) {
    test(what, () => {
      assert.throws(() => placeArray(request(GIB, wrong)), { code });
    });
  }
});

test("64 nodes fit wherever mdadm's smallest chunk does", () => {
  fc.assert(
    fc.property(fc.double({ min: 22, max: 46.6, noNaN: true }), (power) => {
      const size = Math.floor(2 ** power / 512) * 512;
      const smallest = placeArray(request(size, { nodes: 64 }));
      const chunkBytes = minimumChunkBytes(smallest.componentSectors, smallest.syncSizeSectors);
      assert.equal(placeArray(request(size, { nodes: 64, chunkBytes })).chunkBytes, chunkBytes);
    }),
  );
});

test("beyond mdadm: whatever the size, chunk and nodes, all slots fit before the data", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 24, max: 46 }),
      fc.integer({ min: 0, max: 10 ** 6 }),
      fc.integer({ min: 12, max: 26 }),
      fc.integer({ min: 2, max: 64 }),
      fc.constantFrom(1 as const, 10 as const),
      (sizePower, odd, chunkPower, nodes, level) => {
        const size = 2 ** sizePower + odd * 512;
        const wanted = request(size, { chunkBytes: 2 ** chunkPower, nodes, level, beyondMdadm: true });
        let placement: ReturnType<typeof placeArray>;
        try {
          placement = placeArray(wanted);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "member-too-small");
          return;
        }
        assert.equal(placement.chunkBytes, 2 ** chunkPower);
        assert.equal(placement.dataOffsetSectors % 2048, 0);
        assert.ok(placement.dataOffsetSectors + placement.componentSectors <= Math.floor(size / 512));
        assert.doesNotThrow(() =>
          slotGeometry({
            ...placement,
            nodes,
            superOffsetSectors: 8,
            bitmapOffsetSectors: 8,
            logicalBlockBytes: 512,
          }),
        );
        // Nothing moves where mdadm's own offset is enough.
        const usual = dataOffsetSectors(Math.floor(size / 512), level === 10 ? 512 : 0);
        assert.ok(placement.dataOffsetSectors >= usual);
      },
    ),
  );
});

test("100 TiB with 64 KiB chunks and 64 nodes, beyond mdadm", () => {
  const placement = placeArray(request(100 * TIB, { chunkBytes: 64 * KIB, nodes: 64, beyondMdadm: true }));
  // 1.6 billion chunks: 200 MiB a slot, 12.5 GiB in all.
  assert.ok(placement.dataOffsetSectors > (12.4 * GIB) / 512);
  assert.ok(placement.dataOffsetSectors < (12.6 * GIB) / 512);
});

test("raid10 covers half of all members; an odd number of raid chunks is cut by the kernel alone", () => {
  const shape = { level: 10, layout: LAYOUT_NEAR_2, raidChunkSectors: 1024 };
  for (const raidDisks of [2, 4]) {
    const even = { ...shape, raidDisks, componentSectors: 1024 * 1001 };
    assert.equal(mdadmSyncSizeSectors(even), kernelSyncSizeSectors(even));
  }
  const odd = { ...shape, raidDisks: 3, componentSectors: 1024 * 1001 };
  assert.equal(mdadmSyncSizeSectors(odd), 1024 * 1501.5);
  assert.equal(kernelSyncSizeSectors(odd), 1024 * 1501);
});
