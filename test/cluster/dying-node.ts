/** Nodes that die at a chosen write of one member, and what their survivors make of it. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { setTimeout as pauseMs } from "node:timers/promises";
import { type ArrayStorage, NodeDeath, type WritePurpose } from "../../src/cluster/array-storage.js";
import type { ClusterEvent, RecoveryPhase } from "../../src/cluster/cluster-event.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { HANGS_MS, readMember, type TestArray, type TestNode, watchedStorage } from "./test-array.js";

/** Counts down to the write, of one member each, that does not take place any more: one node dies of it, once. */
export class Fuse {
  private writes = 0;
  private left = Number.POSITIVE_INFINITY;
  readonly storage: ArrayStorage;

  /** @param counts which writes count */
  constructor(counts: (purpose: WritePurpose) => boolean = () => true) {
    this.storage = watchedStorage((_, purpose) => {
      if (this.left === Number.POSITIVE_INFINITY || !counts(purpose)) return;
      if (this.writes++ < this.left) return;
      this.left = Number.POSITIVE_INFINITY;
      throw new NodeDeath();
    });
  }

  /** Dies in place of the write after so many. */
  light(afterWrites: number): void {
    this.left = afterWrites;
  }
}

export function phasesOf(events: readonly ClusterEvent[], deadSlot: number): RecoveryPhase[] {
  return events.flatMap((event) =>
    event.kind === "recovery" && event.deadSlot === deadSlot ? [event.phase] : [],
  );
}

/** Waits for something that happens outside of what the test can wait for. */
export async function until(what: () => boolean): Promise<void> {
  const endMs = Date.now() + HANGS_MS;
  while (!what()) {
    assert.ok(Date.now() < endMs, "it never came to that");
    await pauseMs(1);
  }
}

export async function recovered(nodes: readonly TestNode[], deadSlot: number): Promise<void> {
  await until(() => nodes.every(({ events }) => phasesOf(events, deadSlot).includes("done")));
}

/** Ages all bits away, and has the array checked: nothing differs, no slot has a bit. */
export async function settle(array: TestArray, nodes: readonly TestNode[]): Promise<void> {
  for (const { node } of nodes) {
    for (let pass = 0; pass < 4; pass++) await node.daemonPass();
    assert.deepEqual(node.dirty, []);
  }
  await assertConsistent(array);
}

export async function assertConsistent(array: TestArray, heldSlots: readonly number[] = []): Promise<void> {
  const { violations } = await checkConsistencyOf(array.members, { heldSlots });
  assert.deepEqual(violations, []);
}

/** Where the data of all members begins. */
export function dataOffsetOf(array: TestArray): number {
  return Number(readMember(array.members[0] ?? "", 4096, 256).readBigUInt64LE(128)) * 512;
}

/** Chunks in which members differ. */
export function differing(array: TestArray, chunkBytes: number, chunks: readonly number[]): number[] {
  const dataOffsetBytes = dataOffsetOf(array);
  const chunkOf = (member: string, chunk: number) =>
    readMember(member, dataOffsetBytes + chunk * chunkBytes, chunkBytes);
  return chunks.filter((chunk) => {
    const [first, ...others] = array.members.map((member) => chunkOf(member, chunk));
    return first !== undefined && others.some((other) => !other.equals(first));
  });
}

/** Makes the first block of each chunk different on each member, as writes that were in flight at a node's death do. */
export function scribble(array: TestArray, chunkBytes: number, chunks: readonly number[]): void {
  const dataOffsetBytes = dataOffsetOf(array);
  for (const [index, member] of array.members.entries()) {
    const descriptor = fs.openSync(member, "r+");
    try {
      for (const chunk of chunks) {
        const block = Buffer.alloc(4096, `${index} ${chunk} `);
        fs.writeSync(descriptor, block, 0, block.length, dataOffsetBytes + chunk * chunkBytes);
      }
    } finally {
      fs.closeSync(descriptor);
    }
  }
}
