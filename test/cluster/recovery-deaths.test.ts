/** A recovery that itself dies is recovered by the next, whichever of its writes it died at. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import type { Variant } from "../../src/ondisk/slot-geometry.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { differing, Fuse, recovered, scribble, settle, until } from "./dying-node.js";
import { HANGS_MS, testArray } from "./test-array.js";

const CHUNK = 65536;
const SIZE = 9 * 2 ** 30;
/** One in each of a slot's five pages. */
const CHUNKS = [100, 31_000, 65_000, 97_000, 130_000];
const PLUG = CHUNKS.map((chunk) => ({ offsetBytes: chunk * CHUNK, lengthBytes: 4096 }));
/** Own pages and the dead slot's on two members, and one copy of each chunk. */
const WRITES = 5 * CHUNKS.length;

/** Slot 2 dies, then whichever survivor is the first, at its n-th write; returns chunks that differ in the end. */
async function recoverTwice(t: TestContext, writes: number, variant: Variant): Promise<number[]> {
  const array = await testArray(t, {
    nodes: 3,
    sizeBytes: SIZE,
    endsConsistent: variant === "safe",
  });
  const fuse = new Fuse(({ kind, ...purpose }) => {
    return kind === "copy" || ("cause" in purpose && purpose.cause === "recovery");
  });
  const survivors = await array.joinAll(2, { storage: fuse.storage, variant });
  const { node } = await array.join({ variant });
  await node.writePlug(PLUG);
  scribble(array, CHUNK, CHUNKS);
  fuse.light(writes);
  node.die();
  await until(() => survivors.some((survivor) => survivor.node.gone));
  const [dead, last] = survivors[0]?.node.gone ? survivors : survivors.toReversed();
  assert.ok(dead !== undefined && last !== undefined);
  await recovered([last], 2);
  await recovered([last], dead.node.slot);
  assert.equal(last.node.state.suspended.current, null);
  const different = differing(array, CHUNK, CHUNKS);
  if (variant === "safe") await settle(array, [last]);
  else if (different.length > 0) {
    for (let pass = 0; pass < 4; pass++) await last.node.daemonPass();
    const { violations } = await checkConsistencyOf(array.members);
    assert.ok(violations.some(({ code }) => code === "clean-chunk-differs"));
  }
  last.node.die();
  return different;
}

suite("a recovery that dies", { timeout: HANGS_MS * 3 }, () => {
  test(`safe: at each of its ${WRITES} writes, and every chunk is the same in the end`, async (t) => {
    for (let writes = 0; writes < WRITES; writes++) {
      assert.deepEqual(await recoverTwice(t, writes, "safe"), [], `after ${writes} writes`);
    }
  });

  test("mainline: chunks stay different where it dies between the dead slot's pages and its own", async (t) => {
    const lost: number[] = [];
    // It clears first, a superblock and five pages on two members each, then come its own pages.
    for (let writes = 0; writes < 12 + 10; writes++) {
      if ((await recoverTwice(t, writes, "mainline")).length > 0) lost.push(writes);
    }
    // From the first page cleared on the first member, which is the one that is read, to the last of its own there.
    assert.deepEqual(
      lost,
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });
});
