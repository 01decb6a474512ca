/** Adding a disk in ten steps (spec §6), with 2, 3 and 8 nodes: how it can end, and that all agree afterwards. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  addDiskCluster,
  assertAllAgree,
  at,
  isErased,
  knownTo,
  lockCallsOf,
  settled,
  stepsOf,
} from "./add-disk-cluster.js";
import { callText, type GoldenSequence, goldenLockCalls } from "./golden-lock-calls.js";
import { HANGS_MS, type TestNode } from "./test-array.js";

const COUNTS = [2, 3, 8];

suite("adding a disk", { timeout: HANGS_MS }, () => {
  for (const count of COUNTS) {
    test(`${count} nodes: all find it`, async (t) => {
      const { nodes, disks } = await addDiskCluster(t, count);
      const [initiator, ...receivers] = nodes;
      assert.ok(initiator !== undefined);
      const member = await initiator.node.addDisk({ path: disks[0] });
      assert.deepEqual([member.deviceNumber, member.role], [2, "spare"]);
      await assertAllAgree(nodes);
      assert.deepEqual(stepsOf(initiator), ["write written", "announce answered", "veto none", "add added"]);
      for (const receiver of receivers) {
        assert.deepEqual(stepsOf(receiver), [
          "event none",
          "search found",
          "confirm found",
          "candidate bound",
          "learn added",
        ]);
        assert.equal(receiver.node.members.at(-1)?.deviceUuid, member.deviceUuid);
      }
    });

    test(`${count} nodes: one does not see it`, async (t) => {
      const blind = count - 1;
      const { nodes, disks } = await addDiskCluster(t, count, (index) =>
        index === blind ? { visiblePaths: [] } : {},
      );
      const before = knownTo(at(nodes, 0).node);
      await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), {
        errnoName: "ENOENT",
        code: "add-disk-refused",
      });
      await assertAllAgree(nodes);
      assert.deepEqual(knownTo(at(nodes, 0).node), before);
      assert.ok(isErased(disks[0]));
      assert.deepEqual(stepsOf(at(nodes, 0)), [
        "write written",
        "announce answered",
        "veto vetoed",
        "refuse ENOENT",
      ]);
      assert.deepEqual(stepsOf(at(nodes, blind)), ["event none", "search missing", "candidate refused"]);
      if (count > 2) assert.equal(stepsOf(at(nodes, 1)).at(-1), "learn dropped");
    });
  }

  test("the lock calls of a confirmed add are the kernel's, on both sides", async (t) => {
    const { nodes, disks } = await addDiskCluster(t, 2, () => ({ watchLocks: true }));
    for (const { events } of nodes) events.length = 0;
    await at(nodes, 0).node.addDisk({ path: disks[0] });
    await assertAllAgree(nodes);
    await assertLockCalls(at(nodes, 0), "dlmadd_ok_seq_n1");
    await assertLockCalls(at(nodes, 1), "dlmadd_ok_seq_n2");
  });

  test("the lock calls of a refused add are the kernel's, on both sides", async (t) => {
    const { nodes, disks } = await addDiskCluster(t, 2, (index) => ({
      watchLocks: true,
      variant: "mainline",
      kernel: "6.1",
      ...(index === 1 ? { visiblePaths: [] } : {}),
    }));
    for (const { events } of nodes) events.length = 0;
    await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), { errnoName: "ENOENT" });
    await assertLockCalls(at(nodes, 0), "dlmadd_nack_seq_n1");
    await assertLockCalls(at(nodes, 1), "dlmadd_nack_seq_n2");
  });
});

/** A receiver ends its receipt after its sender's call has returned. */
async function assertLockCalls(node: TestNode, sequence: GoldenSequence): Promise<void> {
  const expected = goldenLockCalls(sequence).map(callText);
  await settled(() => lockCallsOf(node).length >= expected.length, `${expected.length} lock calls`);
  assert.deepEqual(lockCallsOf(node), expected);
}
