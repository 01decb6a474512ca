/** Leaving in order: what is written, what is handed on, and that it always comes to an end. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { NodeDeath } from "../../src/cluster/array-storage.js";
import { SlotmarkError } from "../../src/errors.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { HANGS_MS, type TestNode, testArray, until, watchedStorage } from "./test-array.js";

const MIB = 1 << 20;

const sentBy = ({ events }: TestNode) =>
  events.flatMap((event) => (event.kind === "messageSent" ? [event.type] : []));

suite("leaving an array", { timeout: HANGS_MS }, () => {
  test("flushes the bitmap as md does at a stop: cleared bits, then the superblock; nobody is told", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const [first, second] = await array.joinAll(2);
    assert.ok(first !== undefined && second !== undefined);
    await second.node.write(MIB, 4096);
    second.events.length = 0;
    await second.node.leave();
    const written = second.events.flatMap((event) =>
      event.kind === "pageWrite" ? [`${event.cause} ${event.page}`] : [],
    );
    assert.equal(written.at(-1), "superblock 0");
    assert.ok(written.slice(0, -1).every((write) => write === "stop 0") && written.length > 1);
    assert.deepEqual(sentBy(second), []);
    assert.deepEqual((await checkConsistencyOf(array.members, { heldSlots: [0] })).violations, []);
    assert.equal(second.events.at(-1)?.kind, "left");
    await assert.rejects(second.node.write(0, 4096), { code: "node-gone" });
    await first.node.write(0, 4096);
  });

  for (const count of [2, 3, 7]) {
    test(`a resync that is not done is handed to one of ${count - 1} others, who ends it`, async (t) => {
      const array = await testArray(t, { nodes: 8 });
      const [dead, leaving, ...others] = await array.joinAll(count + 1, { sync: "manual" });
      assert.ok(dead !== undefined && leaving !== undefined);
      await dead.node.write(5 * MIB, 64 * 1024);
      dead.node.die();
      const survivors = [leaving, ...others];
      await until(() => survivors.some(({ node }) => node.dirty.length > 0));
      const holder = survivors.find(({ node }) => node.dirty.length > 0);
      assert.ok(holder !== undefined);
      await holder.node.leave();
      assert.deepEqual(sentBy(holder).slice(-1), ["BITMAP_NEEDS_SYNC"]);
      const heirs = survivors.filter((survivor) => survivor !== holder);
      await until(() => heirs.some(({ node }) => node.dirty.length > 0));
      const heir = heirs.find(({ node }) => node.dirty.length > 0);
      assert.ok(heir !== undefined);
      await heir.node.sync();
      for (let pass = 0; pass < 5; pass++) await heir.node.daemonPass();
      assert.deepEqual(heir.node.dirty, []);
      for (const { node } of heirs) await node.leave();
      assert.deepEqual((await checkConsistencyOf(array.members)).violations, []);
    });
  }

  test("writers that wait are refused", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const [first, second] = await array.joinAll(2);
    assert.ok(first !== undefined && second !== undefined);
    await first.node.state.messenger.send({ type: "RESYNCING", lowSector: 0, highSector: 65536 });
    const waiting = assert.rejects(second.node.write(0, 4096), { code: "node-gone" });
    await second.node.leave();
    await waiting;
  });

  test("with no member left it rejects, and is gone all the same", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    let broken = false;
    const storage = watchedStorage(({ path }) => {
      if (broken) throw new SlotmarkError("device", "member-failed", `${path}: EIO`, "");
    });
    const { node } = await array.join({ storage });
    const { node: other } = await array.join();
    await node.write(0, 4096);
    broken = true;
    await assert.rejects(node.leave(), { kind: "device" });
    assert.ok(node.gone);
    await other.write(MIB, 4096);
    // What the flush could not clear is the other's.
    await until(() => other.dirty.some(([from]) => from === 0));
    await other.sync();
    await other.leave();
    assert.deepEqual((await checkConsistencyOf(array.members)).violations, []);
  });

  test("a node that dies while it leaves has died, and its slot is recovered", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    let deadly = false;
    const storage = watchedStorage((_, purpose) => {
      if (deadly && purpose.kind === "page" && purpose.cause === "stop")
        throw new NodeDeath("killed by the test");
    });
    const { node } = await array.join({ storage });
    const { node: other, events } = await array.join();
    await node.write(0, 4096);
    deadly = true;
    await assert.rejects(node.leave(), NodeDeath);
    await until(() => events.some((event) => event.kind === "recovery" && event.phase === "done"));
    for (let pass = 0; pass < 5; pass++) await other.daemonPass();
    await other.leave();
    assert.deepEqual((await checkConsistencyOf(array.members)).violations, []);
  });

  test("where the others do not answer it is gone after the time-out", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const { node } = await array.join({ timeouts: { lockMs: 50 } });
    const { node: other } = await array.join();
    await node.failMember(1);
    await node.write(0, 4096);
    await other.state.channel.takeToken();
    await assert.rejects(node.leave(), { errnoName: "ETIMEDOUT" });
    assert.ok(node.gone);
    await other.state.channel.releaseToken();
    await other.write(MIB, 4096);
  });
});
