/** The scan of a slot's bits against a plain one, whatever the pieces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DirtyChunkScan } from "../../src/ondisk/dirty-chunks.js";

/** Runs of bytes, so that whole words of zeros and ones come up. */
const bits = fc
  .array(fc.tuple(fc.constantFrom(0x00, 0xff, 0x01, 0x80, 0xa5), fc.integer({ min: 1, max: 40 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((runs) => Uint8Array.from(runs.flatMap(([byte, length]) => Array<number>(length).fill(byte))));

test("ranges and count agree with a bit by bit scan, for any cut into pieces", () => {
  fc.assert(
    fc.property(
      bits,
      fc.integer({ min: 0, max: 31 }),
      fc.array(fc.integer({ min: 1, max: 64 })),
      (bytes, short, cuts) => {
        const chunks = Math.max(1, bytes.length * 8 - short);
        const expected: [number, number][] = [];
        let dirty = 0;
        for (let chunk = 0; chunk < chunks; chunk++) {
          if ((((bytes[chunk >> 3] ?? 0) >> (chunk & 7)) & 1) === 0) continue;
          dirty++;
          const last = expected.at(-1);
          if (last?.[1] === chunk - 1) last[1] = chunk;
          else expected.push([chunk, chunk]);
        }
        const found: [number, number][] = [];
        const scan = new DirtyChunkScan(chunks, (first, last) => found.push([first, last]));
        let at = 0;
        for (const cut of cuts) {
          scan.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        scan.push(bytes.subarray(at));
        scan.finish();
        assert.deepEqual(found, expected);
        assert.equal(scan.dirtyChunks, dirty);
      },
    ),
    { numRuns: 300 },
  );
});

test("padding behind the last chunk does not count", () => {
  const found: [number, number][] = [];
  const scan = new DirtyChunkScan(1599, (first, last) => found.push([first, last]));
  scan.push(new Uint8Array(4096 - 256).fill(0xff));
  scan.finish();
  assert.deepEqual(found, [[0, 1598]]);
  assert.equal(scan.dirtyChunks, 1599);
});
