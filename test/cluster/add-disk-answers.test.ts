/** Answers to the announcement of a disk that do not come, come twice, or too late; and two nodes that add at once. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { suite, type TestContext, test } from "node:test";
import type { JoinOptions } from "../../src/cluster/node-options.js";
import {
  type AddDiskCluster,
  addDiskCluster,
  addDiskEvents,
  assertAllAgree,
  at,
  isErased,
  isVisibleTo,
  settled,
  stepsOf,
} from "./add-disk-cluster.js";
import { HANGS_MS } from "./test-array.js";

const COUNTS = [2, 3, 8];
const AMPLE = { newDeviceMs: HANGS_MS, lockMs: HANGS_MS };

/** The last node answers by call alone, and has only so long; an initiator gives up after `lockMs`. */
async function lastAnswersByCall(
  t: TestContext,
  count: number,
  { newDeviceMs = HANGS_MS, lockMs = HANGS_MS }: { newDeviceMs?: number; lockMs?: number } = {},
  options: Partial<JoinOptions> = {},
): Promise<AddDiskCluster> {
  return await addDiskCluster(t, count, (index) => {
    const isLast = index === count - 1;
    const timeouts = { newDeviceMs: isLast ? newDeviceMs : HANGS_MS, lockMs };
    return { timeouts, ...options, newDisks: isLast ? "manual" : "search" };
  });
}

async function secondAttemptWorks({ nodes, disks }: AddDiskCluster, answer: () => void): Promise<void> {
  const last = at(nodes, -1);
  const adding = at(nodes, 0).node.addDisk({ path: disks[0], destroy: true });
  await settled(() => last.node.state.newDisk.waiting !== null, "the second announcement waits");
  answer();
  assert.equal((await adding).role, "spare");
  await assertAllAgree(nodes);
  assert.ok(nodes.every(({ node }) => isVisibleTo(node, disks[0])));
}

suite("answers to the announcement of a disk", { timeout: 2 * HANGS_MS }, () => {
  for (const count of COUNTS) {
    test(`${count} nodes: nobody answers on one of them, which is not acknowledged`, async (t) => {
      const cluster = await lastAnswersByCall(t, count, { newDeviceMs: 20, lockMs: 1_000 });
      const { nodes, disks } = cluster;
      await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), {
        errnoName: "ETIMEDOUT",
        code: "add-disk-unanswered",
      });
      await assertAllAgree(nodes);
      assert.deepEqual(stepsOf(at(nodes, -1)), ["confirm unanswered"]);
      assert.deepEqual(stepsOf(at(nodes, 0)).slice(1), ["announce unanswered", "refuse ETIMEDOUT"]);
      if (count > 2) assert.equal(stepsOf(at(nodes, 1)).at(-1), "learn dropped");
      assert.ok(isErased(disks[0]));
    });

    test(`${count} nodes: nobody answers on any of them, with a kernel that acknowledges all the same`, async (t) => {
      const { nodes, disks } = await addDiskCluster(t, count, () => ({
        newDisks: "manual",
        kernel: "6.1",
        timeouts: { ...AMPLE, newDeviceMs: 20 },
      }));
      await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), { errnoName: "ENOENT" });
      await assertAllAgree(nodes);
      assert.deepEqual(stepsOf(at(nodes, 0)).slice(1), ["announce answered", "veto vetoed", "refuse ENOENT"]);
    });

    test(`${count} nodes: an answer that comes twice`, async (t) => {
      const cluster = await lastAnswersByCall(t, count);
      const { nodes, disks } = cluster;
      const last = at(nodes, -1);
      const adding = at(nodes, 0).node.addDisk({ path: disks[0] });
      await settled(() => last.node.state.newDisk.waiting !== null, "the announcement waits");
      const first = last.node.confirmDisk(2, disks[0]);
      const second = last.node.confirmDisk(2, disks[0]);
      last.node.refuseDisk();
      await assert.rejects(second, { errnoName: "EBUSY", code: "device-number-taken" });
      await first;
      await adding;
      await assertAllAgree(nodes);
      await assert.rejects(last.node.confirmDisk(2, disks[0]), {
        errnoName: "EINVAL",
        code: "spurious-confirmation",
      });
      last.node.refuseDisk();
      const spurious = last.events.flatMap((event) =>
        event.kind === "spuriousAnswer" ? [event.answer] : [],
      );
      assert.deepEqual(spurious, ["missing", "found", "missing"]);
      assert.ok(nodes.every(({ node }) => isVisibleTo(node, disks[0])));
    });

    test(`${count} nodes: an answer that comes too late changes nothing, and the next one in time counts`, async (t) => {
      const cluster = await lastAnswersByCall(t, count, { newDeviceMs: 1_000 }, { kernel: "6.1" });
      const { nodes, disks } = cluster;
      const last = at(nodes, -1);
      await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), { errnoName: "ENOENT" });
      await assert.rejects(last.node.confirmDisk(2, disks[0]), { errnoName: "EINVAL" });
      await assertAllAgree(nodes);
      await secondAttemptWorks(cluster, () => void last.node.confirmDisk(2, disks[0]));
    });

    test(`${count} nodes: a refusal by hand`, async (t) => {
      const cluster = await lastAnswersByCall(t, count);
      const { nodes, disks } = cluster;
      const last = at(nodes, -1);
      const adding = at(nodes, 0).node.addDisk({ path: disks[0] });
      await settled(() => last.node.state.newDisk.waiting !== null, "the announcement waits");
      last.node.refuseDisk();
      await assert.rejects(adding, { errnoName: "ENOENT" });
      await assertAllAgree(nodes);
      await secondAttemptWorks(cluster, () => void last.node.confirmDisk(2, disks[0]));
    });

    test(`${count} nodes: two add different disks at once`, async (t) => {
      const { nodes, disks } = await addDiskCluster(t, count);
      const added = await Promise.all([
        at(nodes, 0).node.addDisk({ path: disks[0] }),
        at(nodes, -1).node.addDisk({ path: disks[1] }),
      ]);
      assert.deepEqual(added.map(({ deviceNumber }) => deviceNumber).sort(), [2, 3]);
      await assertAllAgree(nodes);
      for (const disk of disks) assert.ok(nodes.every(({ node }) => isVisibleTo(node, disk)));
    });

    test(`${count} nodes: two add the same disk at once`, async (t) => {
      const { nodes, disks } = await addDiskCluster(t, count);
      const [one, other] = await Promise.allSettled([
        at(nodes, 0).node.addDisk({ path: disks[0] }),
        at(nodes, -1).node.addDisk({ path: disks[0] }),
      ]);
      const failed = [one, other].filter((outcome) => outcome.status === "rejected");
      assert.equal(failed.length, 1);
      assert.equal(failed[0]?.reason.code, "device-already-member");
      await assertAllAgree(nodes);
      assert.ok(nodes.every(({ node }) => node.members.length === 3 && isVisibleTo(node, disks[0])));
    });
  }

  for (const count of COUNTS) {
    test(`${count} nodes: the initiator dies while one is asked, and the answer comes after it`, async (t) => {
      const cluster = await lastAnswersByCall(t, count);
      const { nodes, disks } = cluster;
      const [first, last] = [at(nodes, 0), at(nodes, -1)];
      const adding = assert.rejects(first.node.addDisk({ path: disks[0] }));
      await settled(() => last.node.state.newDisk.waiting !== null, "the announcement waits");
      first.node.die();
      await adding;
      await last.node.confirmDisk(2, disks[0]);
      const survivors = { ...cluster, nodes: nodes.slice(1) };
      await assertAllAgree(survivors.nodes);
      assert.ok(survivors.nodes.every(({ node }) => node.members.length === 2));
      // Alone, it asks nobody.
      if (count === 2) await last.node.addDisk({ path: disks[0] });
      else await secondAttemptWorks(survivors, () => void last.node.confirmDisk(2, disks[0]));
    });

    if (count > 2) {
      test(`${count} nodes: the initiator dies while the next one waits for its turn`, async (t) => {
        const { nodes, disks } = await lastAnswersByCall(t, count);
        const [first, next, last] = [at(nodes, 0), at(nodes, 1), at(nodes, -1)];
        const isAsked = (uuid?: string) => () => {
          const announced = last.node.state.newDisk.waiting?.announcement.deviceUuid;
          return announced !== undefined && announced !== uuid;
        };
        const adding = assert.rejects(first.node.addDisk({ path: disks[0] }));
        await settled(isAsked(), "the announcement waits");
        const uuid = last.node.state.newDisk.waiting?.announcement.deviceUuid;
        const waiting = next.node.addDisk({ path: disks[1] });
        first.node.die();
        await adding;
        await last.node.confirmDisk(2, disks[0]);
        await settled(isAsked(uuid), "the next announcement waits");
        // The number behind where a candidate of the one before was still there.
        await last.node.confirmDisk(last.node.state.newDisk.waiting?.announcement.number ?? 0, disks[1]);
        await waiting;
        const survivors = nodes.slice(1);
        await assertAllAgree(survivors);
        assert.ok(survivors.every(({ node }) => isVisibleTo(node, disks[1]) && !isVisibleTo(node, disks[0])));
      });
    }

    test(`${count} nodes: one leaves while it is asked, and then the initiator while it adds`, async (t) => {
      const cluster = await lastAnswersByCall(t, count);
      const { nodes, disks } = cluster;
      const [first, last] = [at(nodes, 0), at(nodes, -1)];
      const adding = first.node.addDisk({ path: disks[0] });
      await settled(() => last.node.state.newDisk.waiting !== null, "the announcement waits");
      const leaving = first.node.leave();
      await last.node.leave();
      await adding;
      await leaving;
      const others = nodes.slice(1, -1);
      if (others.length > 0) await assertAllAgree(others);
      assert.ok(others.every(({ node }) => isVisibleTo(node, disks[0])));
    });
  }

  test("what cannot be added is refused before anything is written or sent", async (t) => {
    const { nodes, disks, array } = await addDiskCluster(t, 2);
    const { node } = at(nodes, 0);
    writeFileSync(disks[0], "somebody's data");
    await assert.rejects(node.addDisk({ path: disks[0] }), { code: "member-not-empty" });
    await assert.rejects(node.addDisk({ path: disks[0], destroy: true }), { code: "device-too-small" });
    assert.equal(readFileSync(disks[0], "utf8"), "somebody's data");
    const member = at(array.members, 1);
    await assert.rejects(node.addDisk({ path: member, destroy: true }), { code: "device-already-member" });
    await assert.rejects(node.addDisk({ path: `${disks[0]}.absent` }), { code: "member-missing" });
    assert.deepEqual(stepsOf(at(nodes, 0)).concat(stepsOf(at(nodes, 1))), []);
    await node.addDisk({ path: disks[1] });
    await assert.rejects(at(nodes, 1).node.addDisk({ path: disks[1] }), { code: "device-already-member" });
    await assertAllAgree(nodes);
  });

  test("a confirmation of another device than the one announced is none", async (t) => {
    const cluster = await lastAnswersByCall(t, 2);
    const { nodes, disks, array } = cluster;
    const last = at(nodes, -1);
    const adding = at(nodes, 0).node.addDisk({ path: disks[0] });
    await settled(() => last.node.state.newDisk.waiting !== null, "the announcement waits");
    const wrong = { errnoName: "EINVAL", code: "spurious-confirmation" };
    await assert.rejects(last.node.confirmDisk(3, disks[0]), wrong);
    await assert.rejects(last.node.confirmDisk(2, at(array.members, 1)), wrong);
    await assert.rejects(last.node.confirmDisk(2, disks[1]), { code: "superblock-magic" });
    await last.node.confirmDisk(2, disks[0]);
    await adding;
    await assertAllAgree(nodes);
  });

  test("the user's hook answers, or leaves it to the built-in search", async (t) => {
    const { nodes, disks, array } = await addDiskCluster(t, 5, (index, [disk]) => ({
      timeouts: AMPLE,
      ...(index === 1 ? { visiblePaths: [], eventCommand: `echo '${disk}'` } : {}),
      ...(index === 2 ? { eventCommand: "true" } : {}),
      ...(index === 3
        ? { eventCommand: `echo "$EVENT $RAID_DISK $DEVNAME $DEVICE_UUID" >> '${disk}.told'` }
        : {}),
    }));
    const member = await at(nodes, 0).node.addDisk({ path: disks[0] });
    await assertAllAgree(nodes);
    assert.deepEqual(stepsOf(at(nodes, 1)).slice(0, 2), ["event found", "confirm found"]);
    assert.deepEqual(stepsOf(at(nodes, 2)).slice(0, 2), ["event none", "search found"]);
    const told = readFileSync(`${disks[0]}.told`, "utf8");
    assert.match(told, new RegExp(`^ADD_DEVICE 2 md/slotmark ${member.deviceUuid}\n$`));
    assert.equal(array.members.length, 2);
  });

  test("a hook that says missing, fails or hangs keeps the disk out", async (t) => {
    for (const [command, code] of [
      ["echo missing", "add-disk-refused"],
      ["exit 1", "add-disk-refused"],
      ["sleep 600", "add-disk-unanswered"],
    ]) {
      const { nodes, disks } = await addDiskCluster(t, 2, (index) => ({
        timeouts: command === "sleep 600" ? { newDeviceMs: 50, lockMs: 1_000 } : AMPLE,
        ...(index === 1 ? { eventCommand: command ?? "" } : {}),
      }));
      await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), { code });
      await assertAllAgree(nodes);
    }
  });

  test("the real time-outs: 5 s for the device, 30 s for the acknowledgement", async (t) => {
    const { nodes, disks } = await lastAnswersByCall(t, 2, {}, { timeouts: {} });
    assert.deepEqual(at(nodes, 0).node.state.options.timeouts, {
      lockMs: 30_000,
      newDeviceMs: 5_000,
      addTurnMs: 100_000,
    });
    await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), { code: "add-disk-unanswered" });
    const duration = (index: number, step: string) =>
      addDiskEvents(at(nodes, index).events).find((event) => event.step === step)?.durationNs ?? 0;
    // A timer may be early by the millisecond that it rounds to.
    assert.ok(duration(1, "confirm") >= 4.99e9);
    assert.ok(duration(0, "announce") >= 29.9e9);
    await assertAllAgree(nodes);
  });
});
