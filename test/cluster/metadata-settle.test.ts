/** A node that dies in the middle of a metadata update: the survivors end up with one view, and the members with one superblock. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { NodeDeath } from "../../src/cluster/array-storage.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { eventsOn, HANGS_MS, testArray, until, watchedStorage } from "./test-array.js";

/** Own bitmap superblock on two members, then the md superblock on the one that is left (2 writes) or both. */
const WRITES_OF_AN_UPDATE = 4;

const settled = (events: readonly ClusterEvent[]) => events.some(({ kind }) => kind === "metadataSettled");

suite("after a death in the middle of a metadata update", { timeout: HANGS_MS }, () => {
  for (let deadAt = 1; deadAt <= WRITES_OF_AN_UPDATE; deadAt++) {
    for (const count of [2, 3, 8]) {
      test(`at write ${deadAt} of it, ${count - 1} survivors agree with each other and the members`, async (t) => {
        const array = await testArray(t, { nodes: 8, memberCount: 3 });
        let countdown = Number.POSITIVE_INFINITY;
        const storage = watchedStorage((_, { kind }) => {
          if (kind !== "data" && --countdown === 0) throw new NodeDeath("killed by the test");
        });
        const { node: dying } = await array.join({ storage });
        const survivors = await array.joinAll(count - 1);
        // Two pages and two superblocks: device 2 is faulty by then.
        countdown = deadAt;
        await assert.rejects(dying.failMember(2));
        assert.ok(dying.gone);
        for (const { events } of survivors) await until(() => settled(events));
        const views = survivors.map(({ node }) => node.members.map(({ role }) => role));
        // Before the first superblock is written nobody can know of the failure, from then on everybody does.
        const expected = deadAt <= 3 ? [0, 1, 2] : [0, 1, "faulty"];
        assert.deepEqual(
          views,
          survivors.map(() => expected),
        );
        const written = array.members.slice(0, deadAt <= 3 ? 3 : 2).map(eventsOn);
        assert.equal(new Set(written).size, 1, `events on the members: ${written.join(", ")}`);
        assert.deepEqual(
          survivors.map(({ node }) => node.state.events),
          survivors.map(() => written[0]),
        );
        for (const { node } of survivors) await node.write(node.slot << 20, 4096);
      });
    }
  }

  test("nothing is written where the members agree", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const [dying, survivor] = await array.joinAll(2);
    assert.ok(dying !== undefined && survivor !== undefined);
    const events = eventsOn(array.members[0] ?? "");
    dying.node.die();
    await until(() => settled(survivor.events));
    assert.equal(eventsOn(array.members[0] ?? ""), events);
    assert.ok(survivor.events.some((event) => event.kind === "metadataSettled" && !event.rewritten));
  });
});
