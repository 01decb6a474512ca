/**
 * Adding a disk while nodes die: the initiator, or a receiver, after each thing that can be observed of it, and at each write.
 * The survivors agree afterwards, and a second attempt works.
 */
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { ArrayNode } from "../../src/cluster/array-node.js";
import { NodeDeath } from "../../src/cluster/array-storage.js";
import type { JoinOptions } from "../../src/cluster/node-options.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import {
  type AddDiskCluster,
  addDiskCluster,
  assertAllAgree,
  at,
  isVisibleTo,
  settled,
} from "./add-disk-cluster.js";
import { HANGS_MS, type TestNode, watchedStorage } from "./test-array.js";

const COUNTS = [2, 3, 8];
/** More than happens on a node during an add. */
const MOST = 200;

/** Dies after so many more occurrences, once armed. */
class Mortal {
  node: ArrayNode | undefined;
  private left = Number.POSITIVE_INFINITY;
  private readonly seen: string[] = [];

  armed(after: number, node: ArrayNode): void {
    this.left = after;
    this.node = node;
  }

  get last(): string {
    return this.seen.at(-1) ?? "nothing";
  }

  occurs(what: string): boolean {
    if (this.left === Number.POSITIVE_INFINITY) return false;
    this.seen.push(what);
    // Its death is an event as well.
    if (this.left-- > 0) return false;
    this.left = Number.POSITIVE_INFINITY;
    return true;
  }
}

/** The node of that slot dies after its k-th event. */
function diesAfterEvent(mortal: Mortal): Partial<JoinOptions> {
  return {
    watchLocks: true,
    onEvent: (event) => {
      if (mortal.occurs(event.kind)) mortal.node?.die();
    },
  };
}

/** The node of that slot dies in place of its k-th write. */
function diesAtWrite(mortal: Mortal): Partial<JoinOptions> {
  return {
    storage: watchedStorage((_, { kind }) => {
      if (mortal.occurs(kind)) throw new NodeDeath();
    }),
  };
}

async function survivorsAgreeAndTryAgain({ array, nodes, disks }: AddDiskCluster): Promise<TestNode[]> {
  const survivors = nodes.filter(({ node }) => !node.gone);
  await assertAllAgree(survivors);
  // One that joins now goes by what is on the members.
  if (survivors.length < 8) survivors.push(await array.join({ visiblePaths: disks }));
  await assertAllAgree(survivors);
  const next = at(survivors, 0).node;
  if (!isVisibleTo(next, disks[0])) {
    await next.addDisk({ path: disks[0], destroy: true });
    await assertAllAgree(survivors);
  }
  assert.ok(survivors.every(({ node }) => isVisibleTo(node, disks[0])));
  return survivors;
}

async function degrade({ nodes }: AddDiskCluster): Promise<void> {
  const { node } = at(nodes, 0);
  await node.write(0, 65_536);
  await node.failMember(1);
  await node.removeMember(1);
  // Whoever survives has chunks that the disk lacks, and no recovery brings them.
  for (const other of nodes) await other.node.write((1 + other.node.slot) << 20, 65_536);
}

/** Lets the mortal node of `slot` die ever later, until it survives the whole add. Returns how often it died. */
async function everyDeath(
  t: TestContext,
  count: number,
  slot: number,
  options: (mortal: Mortal) => Partial<JoinOptions>,
  degraded = false,
): Promise<number> {
  for (let after = 0; after < MOST; after++) {
    const mortal = new Mortal();
    const cluster = await addDiskCluster(t, count, (index) => (index === slot ? options(mortal) : {}));
    const { nodes, disks } = cluster;
    const { node } = at(nodes, slot);
    if (degraded) await degrade(cluster);
    mortal.armed(after, node);
    const adding = at(nodes, 0).node.addDisk({ path: disks[0] });
    const outcome = await adding.then(
      () => "added",
      (error) => String(error),
    );
    const died = node.gone;
    if (slot > 0 && died) assert.equal(outcome, "added", `after ${mortal.last}`);
    mortal.armed(Number.POSITIVE_INFINITY, node);
    const survivors = await survivorsAgreeAndTryAgain(cluster);
    const isWhole = () => survivors.every(({ node }) => node.state.members.inSync.length === 2);
    await settled(isWhole, "the array is whole on all nodes");
    const devices = at(survivors, 0).node.members.map(({ device }) => device.path);
    for (const { node } of survivors) await node.state.sync.run();
    for (const { node } of survivors) await node.leave();
    const { violations } = await checkConsistencyOf(devices);
    assert.deepEqual(violations, [], `died after ${mortal.last}`);
    if (!died) return after;
  }
  throw new Error("the node never survived");
}

suite("adding a disk while a node dies", { timeout: 5 * HANGS_MS }, () => {
  for (const count of COUNTS) {
    test(`${count} nodes: the initiator dies after each of its events`, async (t) => {
      const deaths = await everyDeath(t, count, 0, diesAfterEvent);
      assert.ok(deaths >= 20, `only ${deaths}`);
    });

    test(`${count} nodes: the initiator dies at each of its writes`, async (t) => {
      const deaths = await everyDeath(t, count, 0, diesAtWrite);
      assert.ok(deaths >= 6, `only ${deaths}`);
    });

    test(`${count} nodes: the initiator dies after each of its events, the array being degraded`, async (t) => {
      const deaths = await everyDeath(t, count, 0, diesAfterEvent, true);
      assert.ok(deaths >= 30, `only ${deaths}`);
    });

    test(`${count} nodes: the initiator dies at each of its writes, the array being degraded`, async (t) => {
      const deaths = await everyDeath(t, count, 0, diesAtWrite, true);
      assert.ok(deaths >= 10, `only ${deaths}`);
    });

    test(`${count} nodes: a receiver dies after each of its events`, async (t) => {
      const deaths = await everyDeath(t, count, 1, diesAfterEvent);
      assert.ok(deaths >= 10, `only ${deaths}`);
    });
  }
});
