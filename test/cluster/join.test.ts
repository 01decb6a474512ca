/** Joining: the order of its steps and lock calls, what it takes over, and that a join that fails leaves nothing behind. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { suite, test } from "node:test";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { HANGS_MS, readMember, type TestNode, testArray, watchedStorage } from "./test-array.js";

const MIB = 1 << 20;
/** The slots of a test array: sector 16 of each member, a page each. */
const slotOffsetBytes = (slot: number) => 8192 + slot * 4096;

/** `resource mode [NOQUEUE] [status]`, and the steps between them. */
function callsOf(events: readonly ClusterEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.kind === "joinStep" && event.step === "slotLock") return ["own slot PW"];
    if (event.kind !== "lockCall") return [];
    const noQueue = event.flags.includes("NOQUEUE") ? " NOQUEUE" : "";
    return [`${event.resource} ${event.mode}${noQueue}${event.status === 0 ? "" : ` ${event.status}`}`];
  });
}

function setBits(members: readonly string[], slot: number, chunks: readonly number[]): void {
  for (const member of members) {
    const page = readMember(member, slotOffsetBytes(slot), 4096);
    for (const chunk of chunks)
      page[256 + (chunk >> 3)] = (page[256 + (chunk >> 3)] ?? 0) | (1 << (chunk & 7));
    const descriptor = fs.openSync(member, "r+");
    fs.writeSync(descriptor, page, 0, page.length, slotOffsetBytes(slot));
    fs.closeSync(descriptor);
  }
}

function bitsSet(member: string, slot: number): number[] {
  const page = readMember(member, slotOffsetBytes(slot), 4096);
  return Array.from({ length: 1000 }, (_, chunk) => chunk).filter(
    (chunk) => ((page[256 + (chunk >> 3)] ?? 0) >> (chunk & 7)) & 1,
  );
}

function memberNodes(lockspace: string): number[] {
  const visitor = joinEmbeddedLockspace({ lockspace, node: 4711 });
  const nodes = visitor.members().map(({ node }) => node);
  visitor.leave();
  return nodes.filter((node) => node !== 4711);
}

suite("joining an array", { timeout: HANGS_MS }, () => {
  const channelCalls = [
    ...["message NL", "token NL", "no-new-dev NL", "token EX", "ack NL", "ack CR", "token NL"],
    ...["no-new-dev CR", "own slot PW", "resync NL"],
  ];

  test("the lock calls are in the order of md-cluster's join", async (t) => {
    const array = await testArray(t, { nodes: 3 });
    const [first, second] = await array.joinAll(2, { watchLocks: true });
    assert.ok(first !== undefined && second !== undefined);
    const free = (slot: number) => [`bitmap000${slot} NL`, `bitmap000${slot} PW NOQUEUE`];
    const held = [...free(0).slice(0, 1), "bitmap0000 PW NOQUEUE -11", "bitmap0000 CR", "bitmap0000 NL"];
    assert.deepEqual(callsOf(first.events).slice(0, 14), [...channelCalls, ...free(1), ...free(2)]);
    assert.deepEqual(callsOf(second.events), [...channelCalls, ...held, ...free(2)]);
    const steps = second.events.flatMap((event) => (event.kind === "joinStep" ? [event.step] : []));
    assert.deepEqual(steps, [
      ...[
        "readSuperblocks",
        "lockspace",
        "channel",
        "slotLock",
        "resyncLock",
        "readOwnSlot",
        "gather",
        "ready",
      ],
    ]);
  });

  test("slots that nobody has are taken over: their bits are this node's before they are cleared", async (t) => {
    const array = await testArray(t, { nodes: 4 });
    setBits(array.members, 1, [7, 100]);
    setBits(array.members, 3, [0]);
    const order: string[] = [];
    const storage = watchedStorage(({ path }, purpose) => {
      if (purpose.kind === "page") order.push(`${array.members.indexOf(path)}:${purpose.slot}`);
    });
    const { node } = await array.join({ storage, sync: "manual" });
    assert.deepEqual(node.dirty, [
      [0, 0],
      [7, 7],
      [100, 100],
    ]);
    assert.deepEqual(order.slice(0, 8), ["0:0", "1:0", "0:1", "1:1", "0:0", "1:0", "0:3", "1:3"]);
    for (const member of array.members) {
      assert.deepEqual(
        [0, 1, 2, 3].map((slot) => bitsSet(member, slot)),
        [[0, 7, 100], [], [], []],
      );
    }
    assert.equal(node.state.resyncFromSector, 0);
  });

  test("mainline leaves an unused slot's bits where they are", async (t) => {
    const array = await testArray(t, { nodes: 2, endsConsistent: false });
    setBits(array.members, 1, [5]);
    const { node } = await array.join({ variant: "mainline", sync: "manual" });
    assert.deepEqual(node.dirty, [[5, 5]]);
    assert.deepEqual(bitsSet(array.members[0] ?? "", 1), [5]);
  });

  test("bits that only one member has count", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    setBits(array.members.slice(1), 0, [3]);
    setBits(array.members.slice(1), 1, [9]);
    const { node } = await array.join({ sync: "manual" });
    assert.deepEqual(node.dirty, [
      [3, 3],
      [9, 9],
    ]);
  });

  test("a second read that fails leaves the cluster again, and the next attempt works", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    await array.join();
    const [member = ""] = array.members;
    const whole = readMember(member, slotOffsetBytes(1), 256);
    const damage = (bytes: Uint8Array) => {
      const descriptor = fs.openSync(member, "r+");
      fs.writeSync(descriptor, bytes, 0, bytes.length, slotOffsetBytes(1));
      fs.closeSync(descriptor);
    };
    damage(new Uint8Array(256));
    await assert.rejects(array.join(), { code: "bitmap-magic", message: /bitmap superblock of slot 1/ });
    assert.deepEqual(memberNodes(array.uuid), [1]);
    damage(whole);
    const { node } = await array.join();
    assert.equal(node.slot, 1);
  });

  test("more nodes than slots: ERANGE, and the others go on", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const [first] = (await array.joinAll(2)) as [TestNode, TestNode];
    await assert.rejects(array.join(), {
      code: "node-beyond-slots",
      errnoName: "ERANGE",
      message: /slot 3.*2 slots/,
    });
    assert.deepEqual(memberNodes(array.uuid), [1, 2]);
    await first.node.write(MIB, 4096);
    await first.node.leave();
    assert.equal((await array.join()).node.slot, 0);
  });

  test("the range that another node resyncs keeps a newcomer's writers out", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const { node: resyncing } = await array.join();
    await resyncing.state.slotLock.publishResyncRange({ lowSector: 2048, highSector: 4096 });
    const { node } = await array.join();
    assert.deepEqual(node.state.suspended.current, { slot: 0, lowSector: 2048, highSector: 4096 });
    const done: string[] = [];
    const held = node.write(MIB, 4096).then(() => done.push("held"));
    await node.write(3 * MIB, 4096).then(() => done.push("free"));
    assert.deepEqual(done, ["free"]);
    await resyncing.state.messenger.send({ type: "RESYNCING", lowSector: 0, highSector: 0 });
    await held;
    assert.deepEqual(done, ["free", "held"]);
  });

  test("a join waits for whoever has its slot, up to the time-out", async (t) => {
    const array = await testArray(t, { nodes: 2 });
    const { node } = await array.join();
    const { lock, completion } = node.state.lockspace.request("bitmap0001", "PW");
    await completion;
    await assert.rejects(array.join({ timeouts: { lockMs: 50 } }), {
      code: "slot-lock-timed-out",
      errnoName: "ETIMEDOUT",
    });
    assert.deepEqual(memberNodes(array.uuid), [1]);
    const joining = array.join();
    setTimeout(() => void lock.unlock(), 20);
    assert.equal((await joining).node.slot, 1);
  });
});
