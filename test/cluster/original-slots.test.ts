/** What the first patches' slots lose when a node dies, and `safe` does not (spec §2.4 S1, S5, S7). */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { NodeDeath } from "../../src/cluster/array-storage.js";
import { writeListedPages } from "../../src/cluster/member-output.js";
import type { Variant } from "../../src/ondisk/slot-geometry.js";
import { differing, recovered } from "./dying-node.js";
import { HANGS_MS, type TestArrayOptions, type TestNode, testArray, watchedStorage } from "./test-array.js";

const MIB = 1 << 20;

interface Death {
  readonly variant: Variant;
  readonly dyingSlot: 0 | 1;
  readonly chunkBytes: number;
  readonly chunk: number;
  readonly array?: TestArrayOptions;
  /** At the dying node's first data write. */
  readonly meanwhile?: (survivor: TestNode) => void;
}

/** A node dies when the data of one write is on the first member alone. Returns chunks that differ after its recovery. */
async function differsAfterDeath(t: TestContext, death: Death): Promise<number[]> {
  const { variant, dyingSlot, chunkBytes, chunk } = death;
  const array = await testArray(t, {
    nodes: 8,
    chunkBytes,
    endsConsistent: variant !== "original",
    ...death.array,
  });
  const nodes: TestNode[] = [];
  let dataWrites = 0;
  const storage = watchedStorage((_, { kind }) => {
    if (kind !== "data") return;
    const survivor = nodes[1 - dyingSlot];
    assert.ok(survivor !== undefined);
    if (++dataWrites === 1) death.meanwhile?.(survivor);
    else throw new NodeDeath();
  });
  for (const slot of [0, 1])
    nodes.push(await array.join(slot === dyingSlot ? { variant, storage } : { variant }));
  const [dying, survivor] = [nodes[dyingSlot], nodes[1 - dyingSlot]];
  assert.ok(dying !== undefined && survivor !== undefined);
  await assert.rejects(dying.node.write(chunk * chunkBytes, 4096), NodeDeath);
  assert.deepEqual(differing(array, chunkBytes, [chunk]), [chunk]);
  await recovered([survivor], dyingSlot);
  const { firstSlotSector, strideSectors } = survivor.node.state.geometry;
  assert.equal(firstSlotSector, 16);
  assert.equal(strideSectors === 0, variant === "original" && death.array === undefined);
  return differing(array, chunkBytes, [chunk]);
}

suite("slots of the first patches", { timeout: HANGS_MS }, () => {
  // Bits of slots above 0 are set in memory and never written. A size that is no multiple of the chunk, so that the slots
  // lie apart: slot 1 where slot 4 belongs.
  const apart = { chunkBytes: 4 * MIB, chunk: 9, array: { sizeBytes: (1024 + 1 + 2) * MIB } };

  test("original: bits of slots above 0 are never flushed, and a chunk stays different", async (t) => {
    assert.deepEqual(await differsAfterDeath(t, { variant: "original", dyingSlot: 1, ...apart }), [9]);
  });

  test("safe: they are, and the chunk is the same again", async (t) => {
    assert.deepEqual(await differsAfterDeath(t, { variant: "safe", dyingSlot: 1, ...apart }), []);
  });

  // Slot 1's superblock update takes slot 0's bits with it where both lie in the same place.
  const meanwhile = ({ node: { state } }: TestNode) =>
    writeListedPages(state, state.bitmap.updateSuperblock(), "superblock");
  const aliasing = { dyingSlot: 0, chunkBytes: 65536, chunk: 5, meanwhile } as const;

  test("original: slots that alias wipe each other's bits, and a chunk stays different", async (t) => {
    assert.deepEqual(await differsAfterDeath(t, { variant: "original", ...aliasing }), [5]);
  });

  test("safe: each has a place of its own, and the chunk is the same again", async (t) => {
    assert.deepEqual(await differsAfterDeath(t, { variant: "safe", ...aliasing }), []);
  });
});
