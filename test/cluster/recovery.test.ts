/** A node dies at any of its writes; the survivors recover what its slot says. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { NodeDeath } from "../../src/cluster/array-storage.js";
import { assertConsistent, differing, Fuse, phasesOf, recovered, scribble, settle } from "./dying-node.js";
import { HANGS_MS, testArray } from "./test-array.js";

const CHUNK = 65536;
/** Five pages a slot. */
const SIZE = 9 * 2 ** 30;
/** One in each page of the slot. */
const CHUNKS = [100, 31_000, 65_000, 97_000, 130_000];
const PLUG = CHUNKS.map((chunk) => ({ offsetBytes: chunk * CHUNK + 4096, lengthBytes: 4096 }));
const MEMBERS = 2;
const WRITES = 2 * MEMBERS * CHUNKS.length;

suite("a node that dies within a plug", { timeout: HANGS_MS * 3 }, () => {
  for (const count of [2, 3, 8]) {
    test(`${count} nodes: at each of its ${WRITES} writes of pages and data`, async (t) => {
      for (let writes = 0; writes <= WRITES; writes++) {
        const array = await testArray(t, { nodes: 8, sizeBytes: SIZE, memberCount: MEMBERS });
        const survivors = await array.joinAll(count - 1);
        const fuse = new Fuse();
        const { node } = await array.join({ storage: fuse.storage });
        fuse.light(writes);
        // One write more than there are: it dies after all of them.
        const died = node.writePlug(PLUG);
        if (writes < WRITES) await assert.rejects(died, NodeDeath);
        else {
          await died;
          node.die();
        }
        const onePage = (at: number) => (at < WRITES / 2 ? Math.ceil(at / MEMBERS) : CHUNKS.length);
        const inData = writes - WRITES / 2;
        if (inData > 0 && inData % MEMBERS === 1) {
          assert.deepEqual(differing(array, CHUNK, CHUNKS), [CHUNKS[Math.floor(inData / MEMBERS)]]);
        }
        await recovered(survivors, count - 1);
        assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
        const found = survivors.map(({ events }) => {
          const ends = events.filter((event) => event.kind === "recovery" && event.phase === "done");
          assert.equal(ends.length, 1);
          const [end] = ends;
          return end?.kind === "recovery" ? end.chunks : -1;
        });
        // Some one of them had all of it to do, whichever it was.
        assert.deepEqual(
          found.filter((chunks) => chunks > 0),
          onePage(writes) > 0 ? [onePage(writes)] : [],
        );
        await assertConsistent(
          array,
          survivors.map(({ node: { slot } }) => slot),
        );
        await settle(array, survivors);
      }
    });
  }

  test("the one who has bits to take over goes through every phase, own pages before the dead slot's", async (t) => {
    const array = await testArray(t, { nodes: 2, sizeBytes: SIZE });
    const [survivor, dying] = await array.joinAll(2);
    assert.ok(survivor !== undefined && dying !== undefined);
    await dying.node.writePlug(PLUG);
    dying.node.die();
    await recovered([survivor], 1);
    assert.deepEqual(phasesOf(survivor.events, 1), [
      ...["noticed", "slotLocked", "merged", "ownPagesWritten", "deadSlotCleared", "resynced", "done"],
    ]);
    const pages = survivor.events.flatMap((event) =>
      event.kind === "pageWrite" && event.cause === "recovery" ? [[event.slot, event.page]] : [],
    );
    assert.deepEqual(pages, [
      ...[0, 1, 2, 3, 4].map((page) => [0, page]),
      ...[0, 1, 2, 3, 4].map((page) => [1, page]),
    ]);
  });

  for (const variant of ["safe", "mainline"] as const) {
    const outcome = variant === "safe" ? "resynced" : "left as it is, NEEDED";
    test(`${variant}: chunk 0, where it alone is dirty, is ${outcome}`, async (t) => {
      const array = await testArray(t, { nodes: 2 });
      const [survivor, dying] = await array.joinAll(2, { variant });
      assert.ok(survivor !== undefined && dying !== undefined);
      await dying.node.write(4096, 4096);
      scribble(array, CHUNK, [0]);
      dying.node.die();
      await recovered([survivor], 1);
      assert.deepEqual(differing(array, CHUNK, [0]), variant === "safe" ? [] : [0]);
      assert.deepEqual(survivor.node.dirty, [[0, 0]]);
      await assertConsistent(array, [0]);
    });
  }
});
