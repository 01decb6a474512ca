/** Growing a running array: all nodes and slots follow, or all go back. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ArrayStorage } from "../../src/cluster/array-storage.js";
import { createArrayStorage } from "../../src/cluster/array-storage.js";
import { createArray, resetSlots } from "../../src/storage/array.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { openMembers } from "../../src/storage/open-members.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { loopDevice, run, sparseFile, whyMissing, whyNoBlockDevices } from "../storage/machine.js";
import { HANGS_MS, memoryFolder, nodesOn, readMember, testArray } from "./test-array.js";

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

/** 65536-byte chunks of the smaller size take less than a sector of bits, of the doubled size more. */
const DOUBLING = { beforeBytes: 98 * MIB, memberBytes: 200 * MIB };

/** An array of three slots on the beginning of the members, no bit set. */
async function makeClean(paths: readonly string[]): Promise<void> {
  const members = await openMembers({ paths, destroy: [], watch: false, existingArray: "refuse" });
  try {
    const options = { nodes: 3, chunkBytes: 65536, assumeClean: true, memberBytes: DOUBLING.beforeBytes };
    await resetSlots(await createArray(members, options));
  } finally {
    for (const member of members) member.close();
  }
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

  for (const [blocks, memory] of [
    ["files", true],
    ["devices of 4096-byte blocks", false],
  ] as const) {
    test(`where the bits would leave their sector the chunk doubles, on ${blocks}, as md has it and mdadm reads it`, async (t) => {
      const reason = memory ? whyMissing("mdadm") : whyNoBlockDevices("losetup", "mdadm");
      if (reason !== undefined) return t.skip(reason);
      const paths = ["a", "b"].map((name) => sparseFile(memoryFolder(t), name, DOUBLING.memberBytes));
      const members = memory ? paths : paths.map((file) => loopDevice(t, file, "--sector-size", "4096"));
      await makeClean(members);
      const array = nodesOn(t, members);
      const all = await array.joinAll(2, { sync: "manual" });
      const [first, second] = all;
      assert.ok(first !== undefined && second !== undefined);
      const before = first.node.state.geometry;
      assert.deepEqual([before.chunkBytes, before.bitmapBytes <= 512], [65536, true]);
      // Chunk 3 lies in chunk 1 of the larger ones, chunk 100 of the other node in 50.
      await first.node.write(3 * 65536, 4096);
      await second.node.write(100 * 65536, 4096);
      const sizeSectors = before.syncSizeSectors * 2;
      await first.node.grow(sizeSectors);
      for (const { node } of all) {
        assert.deepEqual(
          [node.state.geometry.chunkBytes, node.state.capacitySectors, node.state.geometry.strideSectors],
          [131072, sizeSectors, before.strideSectors],
        );
      }
      const dirty = [
        [
          [1, 1],
          [Math.floor(before.syncSizeSectors / 256), sizeSectors / 256 - 1],
        ],
        [[50, 50]],
        [],
      ];
      await first.node.write(before.syncSizeSectors * 512, 4096);
      const examined = JSON.parse(runSlotmark(["examine", "--json", ...members]).stdout);
      for (const [index, member] of members.entries()) {
        const { bitmap, superblock } = examined[index];
        assert.equal(superblock.sizeSectors, sizeSectors);
        assert.deepEqual(
          [bitmap.chunkBytes, bitmap.syncSizeSectors, bitmap.chunks],
          [131072, sizeSectors, sizeSectors / 256],
        );
        assert.deepEqual(
          bitmap.slots.map(({ dirtyRanges }: { dirtyRanges: number[][] }) => dirtyRanges),
          dirty,
        );
        for (const slot of [0, 1, 2]) {
          const bytes = readMember(member, 8192 + slot * 4096, 256);
          assert.deepEqual([bytes.readUInt32LE(52), bytes.readUInt32LE(64)], [131072, 1], `slot ${slot}`);
        }
        if (!memory) {
          // Of a file mdadm reads a bitmap at its beginning.
          const text = run("mdadm", "--examine-bitmap", member);
          assert.match(text, /Chunksize : 128 KB/);
          assert.equal(text.match(new RegExp(`Bitmap : ${sizeSectors / 256} bits`, "g"))?.length, 3);
          assert.match(text, /Bitmap : \d+ bits \(chunks\), 0 dirty/);
        }
        assert.match(run("mdadm", "--examine", member), /Checksum : \S+ - correct/);
      }
      // Whoever joins now finds the larger chunks.
      const third = await array.join({ sync: "manual" });
      assert.equal(third.node.state.geometry.chunkBytes, 131072);
      await third.node.write(0, 4096);
      assert.deepEqual((await checkConsistencyOf(members, { heldSlots: [0, 1, 2] })).violations, []);
    });
  }

  test("where one slot does not follow, all go back to the chunks that they had", async (t) => {
    const array = await testArray(t, {
      nodes: 4,
      memberBytes: DOUBLING.beforeBytes,
      sizeBytes: DOUBLING.memberBytes,
    });
    const { node } = await array.join();
    const deaf = { now: false };
    const { node: other } = await array.join({ storage: deafStorage(deaf) });
    const before = node.state.geometry;
    await node.write(3 * 65536, 4096);
    deaf.now = true;
    await assert.rejects(node.grow(before.syncSizeSectors * 2), {
      code: "slots-disagree",
      message: /slot 1/,
    });
    deaf.now = false;
    for (const { state } of [node, other]) assert.deepEqual(state.geometry, before);
    assert.ok(node.dirty.some(([from, to]) => from <= 3 && 3 <= to));
    for (const slot of [0, 2, 3]) {
      const bytes = readMember(array.members[0] ?? "", 8192 + slot * 4096, 256);
      assert.deepEqual(
        [Number(bytes.readBigUInt64LE(40)), bytes.readUInt32LE(52)],
        [before.syncSizeSectors, before.chunkBytes],
        `slot ${slot}`,
      );
    }
  });

  test("larger chunks that need fewer pages would move the slots: refused before anything is written", async (t) => {
    const bytes = 40 * MIB;
    const array = await testArray(t, {
      nodes: 2,
      memberBytes: bytes,
      sizeBytes: 2 * bytes,
      chunkBytes: 512,
      beyondMdadm: true,
    });
    const { node } = await array.join({ sync: "manual" });
    const before = node.state.geometry;
    assert.ok(before.pagesPerSlot >= 3, `${before.pagesPerSlot}`);
    const slots = readMember(array.members[0] ?? "", 4096, 65536);
    await assert.rejects(node.grow(before.syncSizeSectors + 128 * 64), {
      code: "slots-would-move",
      message: /in chunks of 1024 bytes need slots of 2 pages; the array has slots of 3/,
    });
    assert.deepEqual(readMember(array.members[0] ?? "", 4096, 65536), slots);
    assert.deepEqual(node.state.geometry, before);
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
