/**
 * What mainline and the first patches do otherwise when a disk is added: each behaviour shown on the variant that has it, and
 * absent from `safe`.
 */
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { updateMetadata } from "../../src/cluster/metadata-update.js";
import type { Variant } from "../../src/ondisk/slot-geometry.js";
import {
  addDiskCluster,
  assertAllAgree,
  at,
  isVisibleTo,
  knownTo,
  settled,
  stepsOf,
} from "./add-disk-cluster.js";
import { HANGS_MS } from "./test-array.js";

const AMPLE = { newDeviceMs: HANGS_MS, lockMs: HANGS_MS };

/** Three nodes, the last of which does not see the disk: the add is refused, the middle one had found it. */
async function refusedAdd(t: TestContext, variant: Variant) {
  const cluster = await addDiskCluster(t, 3, (index) => ({
    variant,
    timeouts: { newDeviceMs: 20_000, lockMs: 2_000 },
    ...(index === 2 ? { visiblePaths: [] } : {}),
  }));
  const { nodes, disks } = cluster;
  await assert.rejects(at(nodes, 0).node.addDisk({ path: disks[0] }), { errnoName: "ENOENT" });
  return cluster;
}

suite("difference D1: a failed add leaves no candidate behind", { timeout: HANGS_MS }, () => {
  test("mainline leaves one, which the next metadata update makes a spare on that node alone", async (t) => {
    const { nodes, disks } = await refusedAdd(t, "mainline");
    const middle = at(nodes, 1).node;
    assert.match(knownTo(middle).at(-1) ?? "", / candidate$/);
    assert.ok(middle.state.newDisk.agreed, "and no veto on the next disk");
    await updateMetadata(at(nodes, 0).node.state);
    assert.deepEqual(
      nodes.map(({ node }) => isVisibleTo(node, disks[0])),
      [false, true, false],
    );
  });

  test("mainline's second attempt runs into the candidate of the first, and out of time", async (t) => {
    const { nodes, disks } = await refusedAdd(t, "mainline");
    const [first, second, third] = nodes;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.equal(first.node.state.options.kernel, "mainline");
    await assert.rejects(first.node.addDisk({ path: disks[1] }), { errnoName: "ETIMEDOUT" });
    assert.match(stepsOf(second).at(-1) ?? "", /^confirm failed: EBUSY/);
  });

  test("safe drops it everywhere, and no update brings it back", async (t) => {
    const { nodes, disks } = await refusedAdd(t, "safe");
    await assertAllAgree(nodes);
    await updateMetadata(at(nodes, 0).node.state);
    await assertAllAgree(nodes);
    assert.ok(nodes.every(({ node }) => !isVisibleTo(node, disks[0]) && node.members.length === 2));
  });
});

suite("a time-out taken as success, and answers that count whenever they come", { timeout: HANGS_MS }, () => {
  /**
   * Nobody answers the first announcement in time on the second node; then somebody does. The second disk is one that this node
   * does not see, and nobody answers for it either.
   */
  async function lateAnswer(t: TestContext, variant: Variant, kernel: "6.1" | "mainline") {
    const { nodes, disks } = await addDiskCluster(t, 2, (index) => ({
      variant,
      kernel,
      newDisks: index === 1 ? "manual" : "search",
      timeouts: { newDeviceMs: 20, lockMs: 1_000 },
    }));
    const [initiator, receiver] = nodes;
    assert.ok(initiator !== undefined && receiver !== undefined);
    const outcomes: string[] = [];
    const add = async (disk: string) => {
      const adding = initiator.node.addDisk({ path: disk });
      outcomes.push(
        await adding.then(
          () => "added",
          (error) => error.errnoName,
        ),
      );
    };
    await add(disks[0]);
    const answer = receiver.node.confirmDisk(2, disks[0]);
    outcomes.push(
      await answer.then(
        () => "taken",
        (error) => error.errnoName ?? error.code,
      ),
    );
    await add(disks[1]);
    return { outcomes, knows: nodes.map(({ node }) => isVisibleTo(node, disks[1])), nodes };
  }

  test("original: the second disk is added although a node never answered for it", async (t) => {
    const { outcomes, knows } = await lateAnswer(t, "original", "mainline");
    assert.deepEqual(outcomes, ["ENOENT", "taken", "added"]);
    assert.deepEqual(knows, [true, false]);
  });

  test("safe: it is not, with either kernel", async (t) => {
    for (const [kernel, error] of [
      ["6.1", "ENOENT"],
      ["mainline", "ETIMEDOUT"],
    ] as const) {
      const { outcomes, knows, nodes } = await lateAnswer(t, "safe", kernel);
      assert.deepEqual(outcomes, [error, "EINVAL", error]);
      assert.deepEqual(knows, [false, false]);
      await assertAllAgree(nodes);
    }
  });
});

suite("the first patches' deadlock of two receivers", { timeout: HANGS_MS }, () => {
  /** What the nodes' channels reported while a disk was added on three nodes. */
  async function reported(t: TestContext, variant: Variant): Promise<string[]> {
    const { nodes, disks } = await addDiskCluster(t, 3, () => ({
      variant,
      timeouts: AMPLE,
      watchLocks: true,
    }));
    const deadlocks = () =>
      nodes.flatMap(({ events }) =>
        events.flatMap((event) =>
          event.kind === "lockCall" && event.status === -35 ? [`${event.resource} ${event.mode}`] : [],
        ),
      );
    await at(nodes, 0).node.addDisk({ path: disks[0] });
    // A receiver that is refused may still be in line when the next message is written, and then misses it: no wait for that one.
    const learned = () => nodes.slice(1).every((node) => stepsOf(node).includes("learn added"));
    await settled(() => learned() || (variant === "original" && deadlocks().length > 0), "learned");
    return deadlocks();
  }

  test("original: a receiver's CR to EX waits for the other's, and fails", async (t) => {
    const deadlocks = await reported(t, "original");
    assert.ok(deadlocks.length > 0);
    assert.ok(deadlocks.every((call) => call === "message EX"));
  });

  test("safe and mainline: no conversion ever does", async (t) => {
    for (const variant of ["safe", "mainline"] as const) assert.deepEqual(await reported(t, variant), []);
  });
});
