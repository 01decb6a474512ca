import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TOUCHED_BLOCK_BYTES, TouchedBlocks, type TouchedRange } from "../../src/storage/touched-blocks.js";

const TIB = 2 ** 40;
const MIB = 2 ** 20;
const LARGEST_BYTES = 100 * TIB;

/** The same from a plain set of block numbers. */
function plainRanges(blocks: ReadonlySet<number>, mergeGapBytes: number): TouchedRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const block of [...blocks].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && (block - last.to) * TOUCHED_BLOCK_BYTES <= mergeGapBytes) last.to = block + 1;
    else ranges.push({ from: block, to: block + 1 });
  }
  return ranges.map(({ from, to }) => ({
    offsetBytes: from * TOUCHED_BLOCK_BYTES,
    lengthBytes: (to - from) * TOUCHED_BLOCK_BYTES,
  }));
}

/** Places that fall together, at the borders of what the set is built from, and far away. */
const write = fc
  .tuple(
    fc.constantFrom(0, 8 * MIB, 16 * MIB, 8192 * MIB, 3 * TIB, LARGEST_BYTES - 64 * MIB),
    fc.integer({ min: 0, max: 20 * MIB }),
    fc.oneof(fc.integer({ min: 0, max: 64 * 1024 }), fc.integer({ min: 0, max: 20 * MIB })),
  )
  .map(([base, offset, lengthBytes]) => ({ offsetBytes: base + offset, lengthBytes }));

test("the set holds every block that a range touches, once, and gives them back sorted and joined", () => {
  fc.assert(
    fc.property(
      fc.array(write, { maxLength: 20 }),
      fc.constantFrom(0, 4096, 5000, MIB, 9000 * MIB),
      (writes, mergeGapBytes) => {
        const touched = new TouchedBlocks();
        const plain = new Set<number>();
        for (const { offsetBytes, lengthBytes } of writes) {
          touched.add(offsetBytes, lengthBytes);
          for (let at = offsetBytes; at < offsetBytes + lengthBytes; ) {
            const block = Math.floor(at / TOUCHED_BLOCK_BYTES);
            plain.add(block);
            at = (block + 1) * TOUCHED_BLOCK_BYTES;
          }
        }
        assert.equal(touched.blocks, plain.size);
        assert.deepEqual([...touched.ranges(mergeGapBytes)], plainRanges(plain, mergeGapBytes));
      },
    ),
    { numRuns: 200 },
  );
});

test("blocks far apart cost memory for themselves and not for what lies between", () => {
  const touched = new TouchedBlocks();
  const before = process.memoryUsage().arrayBuffers;
  for (let at = 0; at < 1000; at++) touched.add(at * 100 * 1024 * MIB, 4096);
  assert.equal(touched.blocks, 1000);
  assert.equal([...touched.ranges()].length, 1000);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * MIB);
});

test("100 TiB that are written from end to end cost next to nothing", () => {
  const touched = new TouchedBlocks();
  const before = process.memoryUsage().arrayBuffers;
  touched.add(0, LARGEST_BYTES);
  assert.equal(touched.blocks, LARGEST_BYTES / TOUCHED_BLOCK_BYTES);
  assert.deepEqual([...touched.ranges()], [{ offsetBytes: 0, lengthBytes: LARGEST_BYTES }]);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * MIB);
});

test("small writes that fill a stretch end up as one range", () => {
  const touched = new TouchedBlocks();
  for (let at = 0; at < 64 * MIB; at += 4096) touched.add((at * 4099) % (64 * MIB), 4096);
  assert.deepEqual([...touched.ranges()], [{ offsetBytes: 0, lengthBytes: 64 * MIB }]);
});

test("what is no range is refused", () => {
  for (const [offsetBytes, lengthBytes] of [
    [-1, 4096],
    [0, -1],
    [0.5, 1],
    [Number.NaN, 1],
    [Number.MAX_SAFE_INTEGER, 1],
  ] as const) {
    assert.throws(() => new TouchedBlocks().add(offsetBytes, lengthBytes), RangeError);
  }
});
