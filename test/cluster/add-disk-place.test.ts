/** What md does with a disk that was added: an array with an empty place takes it in, and rebuilds it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { slotSector } from "../../src/ondisk/slot-geometry.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { addDiskCluster, assertAllAgree, at, settled } from "./add-disk-cluster.js";
import { HANGS_MS, readMember } from "./test-array.js";

suite("a spare", { timeout: HANGS_MS }, () => {
  for (const count of [2, 3, 8]) {
    test(`${count} nodes: it takes the place of a member that fails later`, async (t) => {
      const { nodes, disks, array } = await addDiskCluster(t, count);
      const spare = await at(nodes, -1).node.addDisk({ path: disks[0] });
      assert.equal(spare.role, "spare");
      for (const [index, { node }] of nodes.entries()) await node.write(index << 20, 65_536);
      await at(nodes, 1).node.failMember(0);
      const isWhole = () => nodes.every(({ node }) => node.state.members.inSync.length === 2);
      await settled(isWhole, "the spare is in sync on all nodes");
      await assertAllAgree(nodes);
      assert.equal(spare.role, 0);
      for (const { node } of nodes) await node.leave();
      const { violations } = await checkConsistencyOf([at(array.members, 1), disks[0]]);
      assert.deepEqual(violations, []);
    });
  }
});

suite("a disk added to a degraded array", { timeout: HANGS_MS }, () => {
  for (const count of [2, 3, 8]) {
    test(`${count} nodes: it takes the empty place, and gets every node's slot, new writes and old data`, async (t) => {
      const { nodes, disks, array } = await addDiskCluster(t, count);
      for (const [index, { node }] of nodes.entries()) await node.write(index << 20, 65_536);
      await at(nodes, 0).node.failMember(1);
      await at(nodes, 0).node.removeMember(1);
      for (const [index, { node }] of nodes.entries()) await node.write((index + 20) << 20, 65_536);
      const member = await at(nodes, -1).node.addDisk({ path: disks[0] });
      assert.deepEqual([member.deviceNumber, member.role], [2, 1]);
      for (const [index, { node }] of nodes.entries()) await node.write((index + 40) << 20, 4096);
      const rebuilt = () =>
        nodes.every(({ node }) => node.members.every((one) => one.recoveredSectors > 2 ** 40));
      await settled(rebuilt, "the new member is in sync on all nodes");
      await assertAllAgree(nodes);
      const { geometry } = at(nodes, 0).node.state;
      const slots = (path: string) =>
        readMember(path, slotSector(geometry, 0) * 512, geometry.nodes * geometry.strideSectors * 512);
      for (let pass = 0; pass < 4; pass++) for (const { node } of nodes) await node.daemonPass();
      assert.deepEqual(slots(disks[0]), slots(at(array.members, 0)));
      for (const { node } of nodes) await node.leave();
      const { violations } = await checkConsistencyOf([at(array.members, 0), disks[0]]);
      assert.deepEqual(violations, []);
    });
  }

  test("all nodes write while it is added and rebuilt, and it lacks nothing", async (t) => {
    const { nodes, disks, array } = await addDiskCluster(t, 4);
    await at(nodes, 0).node.failMember(0);
    let stop = false;
    const writers = nodes.map(async ({ node }) => {
      for (let write = 0; !stop; write++)
        await node.write((((write * 7) % 50) << 20) + node.slot * 65_536, 4096);
    });
    await at(nodes, 2).node.addDisk({ path: disks[0] });
    const isWhole = () => nodes.every(({ node }) => node.state.members.inSync.length === 2);
    await settled(isWhole, "the new member is in sync on all nodes");
    stop = true;
    await Promise.all(writers);
    await assertAllAgree(nodes);
    for (const { node } of nodes) await node.leave();
    const { violations } = await checkConsistencyOf([at(array.members, 1), disks[0]]);
    assert.deepEqual(violations, []);
  });
});
