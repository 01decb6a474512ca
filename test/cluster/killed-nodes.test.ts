/** Nodes whose process is killed, or whose thread is terminated, in the middle of their writes. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { suite, test } from "node:test";
import { setTimeout as pauseMs } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DirtyChunkScan } from "../../src/ondisk/dirty-chunks.js";
import { differing, recovered, scribble, settle } from "./dying-node.js";
import { HANGS_MS, nodesOn, readMember, type TestArray, testArray } from "./test-array.js";
import type { WritingNodes } from "./writing-node.js";

const CHUNK = 65536;
const CHUNKS = 1000;
const WRITING_NODE = new URL("./writing-node.js", import.meta.url);
const ROUNDS = 5;
const SLOTS = 8;

/** Chunks whose bits are set on the first member, in any of the slots. */
function dirtyOn({ members }: TestArray, slots: number): number[] {
  const chunks = new Set<number>();
  for (let slot = 0; slot < slots; slot++) {
    const scan = new DirtyChunkScan(CHUNKS, (first, last) => {
      for (let chunk = first; chunk <= last; chunk++) chunks.add(chunk);
    });
    scan.push(readMember(members[0] ?? "", 8192 + slot * 4096, 4096).subarray(256));
    scan.finish();
  }
  return [...chunks];
}

async function killWhileWriting({ members }: TestArray, nodes: readonly number[]): Promise<void> {
  const work: WritingNodes = { members, nodes };
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(WRITING_NODE), JSON.stringify(work)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    assert.ok(child.stdout !== null);
    await Promise.race([once(child.stdout, "data"), ended.then(() => assert.fail("it ended by itself"))]);
    await pauseMs(Math.random() * 80);
  } finally {
    child.kill("SIGKILL");
  }
  assert.deepEqual(await ended, [null, "SIGKILL"]);
}

suite("nodes that are killed", { timeout: HANGS_MS * 2 }, () => {
  for (const count of [2, 3, 8]) {
    test(`SIGKILL of a process of ${count} nodes, ${ROUNDS} times: recovered from the members alone`, async (t) => {
      const array = await testArray(t, { nodes: SLOTS });
      for (let round = 0; round < ROUNDS; round++) {
        await killWhileWriting(
          array,
          Array.from({ length: count }, (_, index) => index + 1),
        );
        // Whatever a bit covers may differ.
        const dirty = dirtyOn(array, SLOTS);
        scribble(array, CHUNK, dirty);
        const nodes = await nodesOn(t, array.members).joinAll(1 + (round % 3));
        for (const { node } of nodes) await node.state.sync.finished();
        assert.deepEqual(differing(array, CHUNK, dirty), []);
        await settle(array, nodes);
        for (const { node } of nodes) await node.leave();
      }
    });
  }

  test("a worker thread that is terminated dies; the nodes of this thread recover it", async (t) => {
    const array = await testArray(t, { nodes: SLOTS });
    const survivors = await array.joinAll(2);
    for (let round = 0; round < ROUNDS; round++) {
      const workerData: WritingNodes = { members: array.members, nodes: [100 + round] };
      const worker = new Worker(WRITING_NODE, { workerData });
      try {
        await once(worker, "message");
        await pauseMs(Math.random() * 40);
      } finally {
        await worker.terminate();
      }
      await recovered(survivors, 2);
      for (const { node } of survivors) await node.state.sync.finished();
      await settle(array, survivors);
      for (const { events } of survivors) events.length = 0;
    }
  });
});
