/**
 * A member that was away comes back: what every node wrote meanwhile is copied to it (D3). The history is that of trace
 * H_readd_lost_chunk, in which Linux 6.1 loses what the other node wrote.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { suite, test } from "node:test";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import type { Consistency } from "../../src/storage/consistency-findings.js";
import { HANGS_MS, readMember, type TestArray, type TestNode, testArray, until } from "./test-array.js";

const MIB = 1 << 20;
const CHUNKS_A_MIB = 16;

const rolesOf = ({ node }: TestNode) => node.members.map(({ role }) => role);
const isRebuilt = ({ events }: TestNode) =>
  events.some((event) => event.kind === "resync" && event.phase === "done");
const isWhole = ({ node }: TestNode) => node.state.members.inSync.length === 2;

async function cluster(array: TestArray, count: number, options: object = {}): Promise<TestNode[]> {
  return await array.joinAll(count, { visiblePaths: array.members, ...options });
}

/** Each node writes a MiB of its own, so that each has chunks that nobody else has. */
async function writeAll(nodes: readonly TestNode[], fromMib: number): Promise<void> {
  for (const { node } of nodes) await node.write((fromMib + node.slot * 2) * MIB, 128 * 1024);
}

async function pass(nodes: readonly TestNode[], passes: number): Promise<void> {
  for (let turn = 0; turn < passes; turn++) for (const { node } of nodes) await node.daemonPass();
}

async function check(array: TestArray): Promise<Consistency["violations"]> {
  return (await checkConsistencyOf(array.members)).violations;
}

suite("a member that comes back", { timeout: HANGS_MS }, () => {
  for (const count of [1, 2, 3, 8]) {
    for (const way of ["RE_ADD", "removed and added again"] as const) {
      test(`${way}, ${count} nodes: it has every chunk that every node wrote`, async (t) => {
        const array = await testArray(t, { nodes: 8 });
        const nodes = await cluster(array, count);
        const [first] = nodes;
        assert.ok(first !== undefined);
        await writeAll(nodes, 0);
        await first.node.failMember(1);
        if (way !== "RE_ADD") await first.node.removeMember(1);
        await writeAll(nodes, 20);
        if (way === "RE_ADD") await first.node.reAddMember(1);
        else await first.node.addDisk({ path: array.members[1] ?? "", reAdd: true });
        await until(() => nodes.every(isWhole));
        assert.deepEqual(
          nodes.map(rolesOf),
          nodes.map(() => [0, 1]),
        );
        await until(() => nodes.some(isRebuilt));
        // Nobody has anything left to write about, once the passes have been.
        await pass(nodes, 5);
        assert.deepEqual(
          nodes.map(({ node }) => node.dirty),
          nodes.map(() => []),
        );
        assert.deepEqual(await check(array), []);
      });
    }
  }

  test("mainline on Linux 6.1 loses what the other node wrote, and says that all is well", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const nodes = await cluster(array, 2, { variant: "mainline", kernel: "6.1" });
    const [first, second] = nodes;
    assert.ok(first !== undefined && second !== undefined);
    await first.node.failMember(1);
    await first.node.removeMember(1);
    await writeAll(nodes, 20);
    await first.node.addDisk({ path: array.members[1] ?? "", reAdd: true });
    await until(() => nodes.every(isWhole) && isRebuilt(first));
    await pass(nodes, 5);
    assert.deepEqual(nodes.map(rolesOf), [
      [0, 1],
      [0, 1],
    ]);
    // Its own chunks were copied and are clean again; the other's are still marked, and differ.
    assert.deepEqual(first.node.dirty, []);
    const lost = 22 * CHUNKS_A_MIB;
    assert.deepEqual(second.node.dirty, [[lost, lost + 1]]);
    assert.deepEqual(
      (await check(array)).map(({ code, slot }) => [code, slot]),
      [["bits-left-set", 1]],
    );
    const differs = (mib: number) => {
      const [a, b] = first.node.members.map(({ device, dataOffsetBytes }) =>
        readMember(device.path, dataOffsetBytes + mib * MIB, 128 * 1024),
      );
      return a === undefined || b === undefined || !a.equals(b);
    };
    assert.deepEqual([differs(20), differs(22)], [false, true]);
  });

  test("writes go on meanwhile, on the members that are there and on the one that comes", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const nodes = await cluster(array, 3);
    const [first] = nodes;
    assert.ok(first !== undefined);
    await first.node.failMember(1);
    for (let mib = 0; mib < 20; mib++) await writeAll(nodes, mib % 20);
    let stop = false;
    const writers = nodes.map(async ({ node }) => {
      for (let write = 0; !stop; write++) await node.write(((write * 8 + node.slot) % 40) * MIB, 4096);
    });
    try {
      await first.node.reAddMember(1);
      await until(() => nodes.every(isWhole));
    } finally {
      stop = true;
      await Promise.all(writers);
    }
    await pass(nodes, 5);
    assert.deepEqual(await check(array), []);
  });

  test("too late for the bitmaps: a spare took its place and the bits went, so all of it is copied", async (t) => {
    const array = await testArray(t, { nodes: 2, sizeBytes: 20 * MIB });
    const spare = path.join(array.folder, "spare");
    fs.writeFileSync(spare, "");
    fs.truncateSync(spare, 20 * MIB);
    const nodes = await array.joinAll(2, { visiblePaths: [...array.members, spare] });
    const [first, second] = nodes;
    assert.ok(first !== undefined && second !== undefined);
    await first.node.failMember(1);
    await first.node.removeMember(1);
    await second.node.write(5 * MIB, 4096);
    const added = await first.node.addDisk({ path: spare });
    await until(() => nodes.every(isWhole));
    await pass(nodes, 5);
    assert.deepEqual(second.node.dirty, []);
    await first.node.failMember(added.deviceNumber);
    const returned = await first.node.addDisk({ path: array.members[1] ?? "", reAdd: true });
    assert.equal(returned.recoversByBitmap, false);
    await until(() => nodes.every(isWhole));
    const violations = (await checkConsistencyOf(array.members)).violations;
    assert.deepEqual(violations, []);
  });

  test("is refused where nothing has failed, or there is no such device", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const [first] = await cluster(array, 2);
    assert.ok(first !== undefined);
    await assert.rejects(first.node.reAddMember(1), { code: "device-not-faulty" });
    await assert.rejects(first.node.reAddMember(5), { code: "device-unknown" });
  });
});
