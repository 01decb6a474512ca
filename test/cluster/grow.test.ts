/** Growing a running array: all nodes and slots follow, or all go back. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ArrayStorage } from "../../src/cluster/array-storage.js";
import { createArrayStorage } from "../../src/cluster/array-storage.js";
import { HANGS_MS, readMember, testArray } from "./test-array.js";

const MIB = 1 << 20;
const SIZE_SECTORS = (32 * MIB) / 512;
const slotSyncSize = (member: string, slot: number) =>
  Number(readMember(member, 8192 + slot * 4096, 256).readBigUInt64LE(40));

/** Writes the slot's superblock nowhere once `deaf` is so. */
function deafStorage(deaf: { now: boolean }): ArrayStorage {
  const storage = createArrayStorage();
  return {
    open(path) {
      const device = storage.open(path);
      return {
        ...device,
        path,
        sizeBytes: device.sizeBytes,
        logicalBlockBytes: device.logicalBlockBytes,
        optimalIoBytes: device.optimalIoBytes,
        read: (offsetBytes, lengthBytes) => device.read(offsetBytes, lengthBytes),
        write(offsetBytes, bytes, purpose) {
          if (!(deaf.now && purpose.kind === "page")) device.write(offsetBytes, bytes, purpose);
        },
        close: () => device.close(),
      };
    },
  };
}

suite("growing an array", { timeout: HANGS_MS }, () => {
  for (const count of [1, 2, 3]) {
    test(`with ${count} nodes: all slots and nodes have the new size, and its new end is resynced`, async (t) => {
      const array = await testArray(t, { nodes: 3, memberBytes: 24 * MIB });
      const all = await array.joinAll(count, { sync: "manual" });
      const last = all.at(-1);
      assert.ok(last !== undefined);
      const before = last.node.state.geometry.syncSizeSectors;
      assert.ok(before < SIZE_SECTORS);
      await assert.rejects(last.node.write(before * 512, 4096), { code: "write-beyond-array" });
      await all[0]?.node.write(0, 4096);
      await last.node.grow(SIZE_SECTORS);
      for (const { node } of all) {
        assert.deepEqual(
          [
            node.state.geometry.syncSizeSectors,
            node.state.capacitySectors,
            Number(node.superblock.sizeSectors),
          ],
          [SIZE_SECTORS, SIZE_SECTORS, SIZE_SECTORS],
        );
      }
      for (const member of array.members) {
        assert.deepEqual(
          [0, 1, 2].map((slot) => slotSyncSize(member, slot)),
          [SIZE_SECTORS, SIZE_SECTORS, SIZE_SECTORS],
        );
      }
      assert.ok(
        all[0]?.node.dirty.some(([from]) => from === 0),
        "what was dirty before still is",
      );
      assert.deepEqual(last.node.dirty.at(-1), [Math.floor(before / 128), SIZE_SECTORS / 128 - 1]);
      assert.equal(last.node.state.resyncFromSector, Math.floor(before / 128) * 128);
      for (const { node } of all) await node.write(before * 512 + node.slot * MIB, 4096);
      const sent = last.events.flatMap((event) => (event.kind === "messageSent" ? [event.type] : []));
      assert.deepEqual(sent.slice(-2), ["METADATA_UPDATED", "CHANGE_CAPACITY"]);
    });
  }

  test("where one slot does not follow, all go back", async (t) => {
    const array = await testArray(t, { nodes: 3, memberBytes: 24 * MIB });
    const { node } = await array.join();
    const deaf = { now: false };
    const { node: other } = await array.join({ storage: deafStorage(deaf) });
    const before = node.state.geometry.syncSizeSectors;
    deaf.now = true;
    await assert.rejects(node.grow(SIZE_SECTORS), { code: "slots-disagree", message: /slot 1/ });
    for (const { state } of [node, other]) {
      assert.deepEqual([state.geometry.syncSizeSectors, state.capacitySectors], [before, before]);
      assert.equal(Number(state.superblock.sizeSectors), before);
    }
    deaf.now = false;
    await node.grow(SIZE_SECTORS);
    assert.equal(other.state.capacitySectors, SIZE_SECTORS);
  });

  test("too large, not larger, moving slots, or while somebody resyncs: refused, and nothing has changed", async (t) => {
    const array = await testArray(t, { nodes: 2, memberBytes: 24 * MIB });
    const [first, second] = await array.joinAll(2);
    assert.ok(first !== undefined && second !== undefined);
    await assert.rejects(first.node.grow(1024), { code: "size-not-larger" });
    await assert.rejects(first.node.grow(10 ** 7), { code: "member-too-small" });
    await second.node.state.channel.convertResync("EX");
    await assert.rejects(first.node.grow(SIZE_SECTORS), { code: "resync-under-way", message: /^EBUSY/ });
    await second.node.state.channel.convertResync("NL");
    await first.node.grow(SIZE_SECTORS);
  });

  test("BITMAP_RESIZE makes every node's bitmap follow, and not the capacity", async (t) => {
    // Half of a growth: the message alone.
    const array = await testArray(t, { nodes: 2, memberBytes: 24 * MIB, endsConsistent: false });
    const [first, second] = await array.joinAll(2);
    assert.ok(first !== undefined && second !== undefined);
    const before = second.node.state.capacitySectors;
    await first.node.state.messenger.send({ type: "BITMAP_RESIZE", sizeSectors: SIZE_SECTORS });
    assert.equal(second.node.state.geometry.syncSizeSectors, SIZE_SECTORS);
    assert.equal(second.node.state.capacitySectors, before);
  });
});
