/** Nodes of a running array: they join, write, tell each other of metadata, leave and die. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { updateMetadata } from "../../src/cluster/metadata-update.js";
import { eventsOn, HANGS_MS, readMember, testArray, watchedStorage } from "./test-array.js";

const MIB = 1 << 20;

suite("a node of a running array", { timeout: HANGS_MS }, () => {
  for (const count of [1, 2, 3, 8]) {
    test(`${count} nodes join, each with a slot of its own, and all see one event count`, async (t) => {
      const array = await testArray(t, { nodes: 8 });
      const nodes = await array.joinAll(count);
      assert.deepEqual(
        nodes.map(({ node }) => node.slot),
        Array.from({ length: count }, (_, slot) => slot),
      );
      const events = eventsOn(array.members[0] ?? "");
      assert.deepEqual(
        nodes.map(({ node }) => Number(node.superblock.events)),
        Array.from({ length: count }, () => events),
      );
      const last = nodes.at(-1);
      assert.ok(last !== undefined);
      await updateMetadata(last.node.state);
      assert.deepEqual(
        nodes.map(({ node }) => node.state.events),
        Array.from({ length: count }, () => events + 1),
      );
      for (const member of array.members) assert.equal(eventsOn(member), events + 1);
      for (const { node } of nodes) await node.leave();
    });
  }

  test("bitmap pages are on all members before the first of the data", async (t) => {
    const array = await testArray(t);
    const order: string[] = [];
    const storage = watchedStorage(({ path }, { kind }) => {
      order.push(`${kind} ${array.members.indexOf(path)}`);
    });
    const { node } = await array.join({ storage });
    order.length = 0;
    await node.write(3 * MIB, 4096);
    assert.deepEqual(order, ["page 0", "page 1", "data 0", "data 1"]);
    assert.deepEqual(node.dirty, [[48, 48]]);
    order.length = 0;
    await node.write(3 * MIB + 4096, 4096);
    assert.deepEqual(order, ["data 0", "data 1"]);
    for (let pass = 0; pass < 4; pass++) await node.daemonPass();
    assert.deepEqual(node.dirty, []);
    const [a, b] = array.members.map((member) => readMember(member, 0, 8 * MIB).subarray(8192));
    assert.ok(a !== undefined && b !== undefined && a.equals(b));
    await node.leave();
  });
});
