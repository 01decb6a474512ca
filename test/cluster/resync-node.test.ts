/** Resync by a node of a running array: writers stand still in its windows, and who leaves hands it on. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { NodeDeath } from "../../src/cluster/array-storage.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { SlotmarkError } from "../../src/errors.js";
import { dataOffsetOf, differing, Fuse, phasesOf, recovered, scribble, settle, until } from "./dying-node.js";
import { HANGS_MS, type TestArray, type TestNode, testArray, watchedStorage } from "./test-array.js";

const CHUNK = 65536;
const CHUNK_SECTORS = CHUNK / 512;
const CHUNKS = Array.from({ length: 40 }, (_, index) => 7 + index * 20);

/** Joins the survivors, then a node that dies with CHUNKS dirty and different. */
async function dieDirty(array: TestArray, survivors: readonly TestNode[]): Promise<number> {
  const { node } = await array.join();
  for (const chunk of CHUNKS) await node.write(chunk * CHUNK, 4096);
  scribble(array, CHUNK, CHUNKS);
  assert.deepEqual(differing(array, CHUNK, CHUNKS), CHUNKS);
  node.die();
  assert.ok(survivors.every((survivor) => !survivor.node.gone));
  return node.slot;
}

function windowsOf(events: readonly ClusterEvent[]): [number, number][] {
  return events.flatMap((event) =>
    event.kind === "resync" && event.phase === "announced" ? [[event.lowSector, event.highSector]] : [],
  );
}

suite("resync on a running array", { timeout: HANGS_MS }, () => {
  test("a window of a resync that fails does not stay", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const nodes = await array.joinAll(2);
    let failed = 0;
    for (const { node } of nodes) {
      const { messenger } = node.state;
      const send = messenger.send.bind(messenger);
      messenger.send = async (message) => {
        const times = await send(message);
        if (message.type !== "RESYNCING" || message.highSector === 0 || failed++ > 0) return times;
        throw new SlotmarkError("device", "array-failed", "failed by the test", "none");
      };
    }
    const dead = await dieDirty(array, nodes);
    await until(() => failed > 0);
    await until(() => nodes.every(({ node }) => node.state.suspended.current === null));
    assert.ok(nodes.some(({ events }) => events.some(({ kind }) => kind === "writersSuspended")));
    for (const { node } of nodes) await node.write(CHUNK * (CHUNKS[0] ?? 0), 4096);
    for (const { node } of nodes) await node.state.sync.run();
    await recovered(nodes, dead);
    assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
  });

  test("writes to an announced window wait until it is over, others go on, and nothing is lost", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const nodes: TestNode[] = [];
    const inWindow: string[] = [];
    /** Started with the first copy: by the node that does not copy, into the window and behind it. */
    let writes: { inside: Promise<void>; outside: Promise<void> } | undefined;
    let insideEnded = false;
    let outsideEndedFirst = false;
    const storageOf = (slot: number) =>
      watchedStorage((_, { kind }, offsetBytes) => {
        if (kind === "data") {
          const sector = (offsetBytes - dataOffsetOf(array)) / 512;
          if (nodes[slot]?.node.state.suspended.overlaps(sector, sector + 8)) inWindow.push(`slot ${slot}`);
        }
        if (kind !== "copy" || writes !== undefined) return;
        const other = nodes[1 - slot]?.node;
        assert.ok(other !== undefined);
        const { current } = other.state.suspended;
        assert.deepEqual([current?.slot, current?.lowSector], [slot, (CHUNKS[0] ?? 0) * CHUNK_SECTORS]);
        const outside = other.write(900 * CHUNK, 4096);
        const inside = other.write((CHUNKS[3] ?? 0) * CHUNK, 4096);
        writes = { inside, outside };
        void inside.then(() => (insideEnded = true));
        void outside.then(() => (outsideEndedFirst = !insideEnded));
      });
    for (const slot of [0, 1]) nodes.push(await array.join({ storage: storageOf(slot) }));
    const dead = await dieDirty(array, nodes);
    await recovered(nodes, dead);
    assert.ok(writes !== undefined);
    await Promise.all([writes.inside, writes.outside]);
    assert.ok(outsideEndedFirst);
    assert.deepEqual(inWindow, []);
    assert.deepEqual(differing(array, CHUNK, [...CHUNKS, 900]), []);
    const [copier, waiter] = windowsOf(nodes[0]?.events ?? []).length > 0 ? nodes : nodes.toReversed();
    assert.ok(copier !== undefined && waiter !== undefined);
    assert.deepEqual(windowsOf(copier.events), [
      [7 * CHUNK_SECTORS, 7 * CHUNK_SECTORS + 65_536],
      // The last unit of a window begins the next: chunk 507 is 500 behind chunk 7.
      [527 * CHUNK_SECTORS, 527 * CHUNK_SECTORS + 65_536],
      [0, 0],
    ]);
    const suspended = waiter.events.filter(({ kind }) => kind === "writersSuspended");
    assert.equal(suspended.length, 2);
    const resumed = waiter.events.find(({ kind }) => kind === "writersResumed");
    assert.ok(resumed?.kind === "writersResumed" && resumed.durationNs > 0);
    const stood = waiter.events.find(({ kind }) => kind === "writesStoodStill");
    assert.ok(stood?.kind === "writesStoodStill" && stood.writes === 1 && stood.durationNs > 0);
    await settle(array, nodes);
  });

  test("a node that leaves in the middle hands the rest on, and the next copies that alone", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const copied: number[][] = [[], []];
    let leaving: Promise<void> | undefined;
    const nodes: TestNode[] = [];
    const storageOf = (slot: number) =>
      watchedStorage((_, { kind }, offsetBytes) => {
        if (kind !== "copy") return;
        copied[slot]?.push((offsetBytes - dataOffsetOf(array)) / CHUNK);
        if (copied[slot]?.length === 10) leaving ??= nodes[slot]?.node.leave();
      });
    for (const slot of [0, 1]) nodes.push(await array.join({ storage: storageOf(slot) }));
    await dieDirty(array, nodes);
    await until(() => leaving !== undefined);
    await leaving;
    const [gone, next] = nodes[0]?.node.gone ? nodes : nodes.toReversed();
    assert.ok(gone !== undefined && next !== undefined);
    await recovered([next], gone.node.slot);
    assert.deepEqual(copied[gone.node.slot], CHUNKS.slice(0, 10));
    assert.deepEqual(copied[next.node.slot], CHUNKS.slice(10));
    assert.equal(next.node.state.suspended.current, null);
    assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
    await settle(array, [next]);
  });

  test("a member that cannot be written during a resync is faulty everywhere, and the bits stay", async (t) => {
    const array = await testArray(t, { nodes: 3, memberCount: 3 });
    let copies = 0;
    const storage = watchedStorage(({ path }, { kind }) => {
      if (kind !== "copy" || path !== array.members[1] || ++copies < 5) return;
      throw new SlotmarkError("device", "member-failed", "injected", "none");
    });
    const nodes = await array.joinAll(2, { storage });
    const dead = await dieDirty(array, nodes);
    await recovered(nodes, dead);
    for (const { node } of nodes) {
      assert.deepEqual(
        node.members.map(({ role }) => role),
        [0, "faulty", 2],
      );
    }
    const [first, , third] = array.members;
    const both = { ...array, members: [first ?? "", third ?? ""] };
    assert.deepEqual(differing(both, CHUNK, CHUNKS), []);
    const copier = nodes.find(({ node }) => node.dirty.length > 0);
    for (let pass = 0; pass < 4; pass++) await copier?.node.daemonPass();
    // The first four were in line on all members before one failed.
    assert.deepEqual(
      copier?.node.dirty,
      CHUNKS.slice(4).map((chunk) => [chunk, chunk]),
    );
  });

  test("a member that cannot be read is written from another one, and stays", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const { node: first, events } = await array.join();
    const source = first.state.members.inSync[0]?.device;
    assert.ok(source !== undefined);
    const read = source.read.bind(source);
    let failed = 0;
    source.read = (offsetBytes, lengthBytes) => {
      if (lengthBytes === CHUNK && failed++ === 0) {
        throw new SlotmarkError("device", "member-failed", "injected", "none");
      }
      return read(offsetBytes, lengthBytes);
    };
    const nodes = [{ node: first, events }];
    const dead = await dieDirty(array, nodes);
    await recovered(nodes, dead);
    assert.ok(failed > 1);
    assert.deepEqual(
      first.members.map(({ role }) => role),
      [0, 1],
    );
    assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
    await settle(array, nodes);
  });

  test("a node that joins meanwhile keeps its writers out of the window too", async (t) => {
    const array = await testArray(t, { nodes: 4 });
    let joining: Promise<TestNode> | undefined;
    const storage = watchedStorage((_, { kind }) => {
      if (kind === "copy") joining ??= array.join();
    });
    const { node, events } = await array.join({ storage });
    const dead = await dieDirty(array, [{ node, events }]);
    await until(() => joining !== undefined);
    const joined = await joining;
    assert.ok(joined !== undefined);
    const suspended = joined.events.find(({ kind }) => kind === "writersSuspended");
    // On a loaded machine the window may be over before the newcomer has asked for it.
    const over = phasesOf(events, dead).includes("resynced");
    assert.ok(over || (suspended?.kind === "writersSuspended" && suspended.bySlot === 0));
    await recovered([{ node, events }], dead);
    await until(() => joined.node.state.suspended.current === null);
    assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
    await settle(array, [{ node, events }, joined]);
  });

  test("where another node does not answer, nothing is copied; the resync is tried again and ends", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    let copies = 0;
    const storage = watchedStorage((_, { kind }) => {
      if (kind === "copy") copies++;
    });
    const nodes = await array.joinAll(2, { storage, timeouts: { lockMs: 100 } });
    let refused = 0;
    for (const { node } of nodes) {
      const { suspended } = node.state;
      const suspend = suspended.suspend.bind(suspended);
      suspended.suspend = (slot, low, high, nowNs) => {
        if (refused === 0) assert.equal(copies, 0);
        if (refused++ === 0) throw new Error("does not answer");
        suspend(slot, low, high, nowNs);
      };
    }
    const dead = await dieDirty(array, nodes);
    await recovered(nodes, dead);
    const phases = nodes.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === "resync" ? [event.phase] : [])),
    );
    assert.ok(phases.indexOf("failed") >= 0 && phases.indexOf("failed") < phases.indexOf("done"));
    assert.equal(copies, CHUNKS.length);
    assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
    await settle(array, nodes);
  });

  test("a node that dies while it leaves is dead: its bits are recovered", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const survivors = await array.joinAll(1);
    const fuse = new Fuse();
    const { node } = await array.join({ storage: fuse.storage });
    for (const chunk of CHUNKS) await node.write(chunk * CHUNK, 4096);
    scribble(array, CHUNK, CHUNKS);
    fuse.light(0);
    await assert.rejects(node.leave(), NodeDeath);
    await recovered(survivors, node.slot);
    assert.deepEqual(differing(array, CHUNK, CHUNKS), []);
    await settle(array, survivors);
  });
});
