/** Members that fail, are failed on request, removed: what every node then knows, and what happens to writes. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { suite, test } from "node:test";
import type { ArrayStorage } from "../../src/cluster/array-storage.js";
import { SlotmarkError } from "../../src/errors.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import {
  eventsOn,
  HANGS_MS,
  type TestArray,
  type TestNode,
  testArray,
  until,
  watchedStorage,
} from "./test-array.js";

const MIB = 1 << 20;

const rolesOf = ({ node }: TestNode) => node.members.map(({ role }) => role);

/** The member fails from the moment at which `broken` says so. */
function failingStorage(path: string, broken: { now: boolean }): ArrayStorage {
  return watchedStorage((device, { kind }) => {
    if (!broken.now || device.path !== path) return;
    throw new SlotmarkError("device", "member-failed", `member ${path}: ${kind} failed: EIO`, "");
  });
}

async function joinWithFailing(array: TestArray, member: number, count: number) {
  const broken = { now: false };
  const path = array.members[member] ?? "";
  const first = await array.join({ storage: failingStorage(path, broken) });
  const others = await array.joinAll(count - 1);
  return { broken, first, others, all: [first, ...others] };
}

suite("a member that fails", { timeout: HANGS_MS }, () => {
  for (const count of [1, 2, 3, 8]) {
    test(`on one of ${count} nodes is faulty on all before the write ends, and writes go on`, async (t) => {
      const array = await testArray(t, { nodes: 8 });
      const { broken, first, others, all } = await joinWithFailing(array, 1, count);
      await first.node.write(0, 4096);
      broken.now = true;
      const events = eventsOn(array.members[0] ?? "");
      await first.node.write(MIB, 4096);
      for (const node of all) assert.deepEqual(rolesOf(node), [0, "faulty"]);
      assert.deepEqual(
        others.map((other) => other.events.filter(({ kind }) => kind === "memberFaulty").length),
        others.map(() => 1),
      );
      assert.equal(eventsOn(array.members[0] ?? ""), events + 1);
      assert.equal(eventsOn(array.members[1] ?? ""), events);
      // Degraded writes keep their bits, however many passes there are.
      for (const [index, { node }] of all.entries()) await node.write((2 + index) * MIB, 4096);
      for (const { node } of all) for (let pass = 0; pass < 5; pass++) await node.daemonPass();
      for (const [index, { node }] of all.entries()) {
        const chunk = (2 + index) * 16;
        assert.ok(node.dirty.some(([from, to]) => from <= chunk && chunk <= to));
      }
    });
  }

  test("that was the last in sync fails the write, and stays what it is", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const { broken, first, others } = await joinWithFailing(array, 0, 2);
    await first.node.failMember(1);
    broken.now = true;
    await assert.rejects(first.node.write(MIB, 4096), { kind: "device", code: "array-failed" });
    assert.deepEqual([...others, first].map(rolesOf), [
      [0, "faulty"],
      [0, "faulty"],
    ]);
    await others[0]?.node.write(2 * MIB, 4096);
  });

  test("two nodes that each lose another member do not part: one of them goes on", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const broken = { now: false };
    const [a = "", b = ""] = array.members;
    const first = await array.join({ storage: failingStorage(a, broken) });
    const second = await array.join({ storage: failingStorage(b, broken) });
    broken.now = true;
    const outcomes = await Promise.allSettled([first.node.write(0, 4096), second.node.write(MIB, 4096)]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const [winner, loser] = outcomes[0]?.status === "fulfilled" ? [first, second] : [second, first];
    await winner.node.write(2 * MIB, 4096);
    await assert.rejects(loser.node.write(3 * MIB, 4096), { code: "array-failed" });
    assert.deepEqual(rolesOf(winner).filter((role) => role === "faulty").length, 1);
  });

  test("while the others are told no write of this node ends", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const { broken, first, others } = await joinWithFailing(array, 1, 2);
    const order: string[] = [];
    const hold = await others[0]?.node.state.messenger.channel.takeToken().then(() => true);
    assert.ok(hold);
    broken.now = true;
    const failing = first.node.write(0, 4096).then(() => order.push("failing"));
    const next = first.node.write(MIB, 4096).then(() => order.push("next"));
    await others[0]?.node.write(2 * MIB, 4096).then(() => order.push("other node"));
    assert.deepEqual(order, ["other node"]);
    await others[0]?.node.state.messenger.channel.releaseToken();
    await Promise.all([failing, next]);
    assert.deepEqual(order.slice(0, 1), ["other node"]);
    assert.deepEqual(others.map(rolesOf), [[0, "faulty"]]);
  });

  test("is replaced by a spare that waits, which is rebuilt", async (t) => {
    const array = await testArray(t, { nodes: 3, sizeBytes: 20 * MIB });
    const spare = path.join(array.folder, "spare");
    fs.writeFileSync(spare, "");
    fs.truncateSync(spare, 20 * MIB);
    const visiblePaths = [...array.members, spare];
    const broken = { now: false };
    const storage = failingStorage(array.members[0] ?? "", broken);
    const first = await array.join({ storage, visiblePaths });
    const all = [first, ...(await array.joinAll(2, { visiblePaths }))];
    const { deviceNumber } = await first.node.addDisk({ path: spare });
    assert.deepEqual(
      all.map(rolesOf),
      [0, 1, 2].map(() => [0, 1, "spare"]),
    );
    broken.now = true;
    await first.node.write(MIB, 4096);
    await until(() => all.every(({ node }) => node.state.members.inSync.length === 2));
    assert.deepEqual(
      all.map(rolesOf),
      [0, 1, 2].map(() => ["faulty", 1, 0]),
    );
    for (let pass = 0; pass < 5; pass++) for (const { node } of all) await node.daemonPass();
    for (const { node } of all) await node.leave();
    assert.equal(deviceNumber, 2);
    assert.deepEqual((await checkConsistencyOf([array.members[1] ?? "", spare])).violations, []);
  });

  test("on request is faulty everywhere; then it can be removed, and is unknown everywhere", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const all = await array.joinAll(3);
    const [first, second] = all;
    assert.ok(first !== undefined && second !== undefined);
    await assert.rejects(first.node.removeMember(1), { code: "device-active", message: /^EBUSY/ });
    await first.node.failMember(1);
    assert.deepEqual(all.map(rolesOf), [
      [0, "faulty"],
      [0, "faulty"],
      [0, "faulty"],
    ]);
    await assert.rejects(second.node.failMember(0), { code: "device-last" });
    await assert.rejects(second.node.failMember(7), { code: "device-unknown" });
    await second.node.removeMember(1);
    assert.deepEqual(all.map(rolesOf), [[0], [0], [0]]);
    const sent = second.events.flatMap((event) => (event.kind === "messageSent" ? [event.type] : []));
    assert.deepEqual(sent, ["REMOVE", "METADATA_UPDATED"]);
    assert.deepEqual(
      all.map(({ node }) => node.superblock.roles.slice(0, 2)),
      [0, 1, 2].map(() => [0, 0xffff]),
    );
  });
});
