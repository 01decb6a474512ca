import assert from "node:assert/strict";
import { once } from "node:events";
import { after, suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import type { RecoveryEvent } from "../../src/dlm/lockspace.js";
import { granted } from "./conformance.js";
import type { LockWorkerData } from "./lock-worker.js";
import { startWorker, terminateWorkers } from "./start-worker.js";

/** Repetitions with two workers each. */
const ROUNDS = 75;
const BEHAVIOURS: readonly LockWorkerData["behaviour"][] = ["hold", "queue", "sleep", "churn", "chatter"];

/** mulberry32: the same points on every run, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

suite("a thread that ends gives up its locks", () => {
  const recovery: RecoveryEvent[] = [];
  const lockspace = "termination";
  const watcher = joinEmbeddedLockspace({ lockspace, node: 1, onRecovery: (event) => recovery.push(event) });
  after(async () => {
    await terminateWorkers();
    await watcher.leave({ force: true });
  });

  test("terminated in the event loop, its locks go and nobody is said to have died", async () => {
    const worker = await startWorker({ lockspace, node: 2, behaviour: "hold" });
    const { lock, completion } = watcher.request("held-2", "PR", { lvb: new Uint8Array(64) });
    assert.equal(lock.mode, null);
    await worker.terminate();
    assert.equal((await completion).status, "granted");
    assert.deepEqual(watcher.members(), [{ node: 1, slot: 1 }]);
    assert.ok(!recovery.some((event) => event.step === "recoverSlot"));
    await lock.unlock();
  });

  const doubt = "where its end is a death, the survivors recover and the value block is in doubt";
  test(doubt, { timeout: 60_000 }, async () => {
    // Without a lock of a survivor the resource would go with the dead, and its value block with it.
    const keeper = await granted(watcher, "held-2", "EX");
    await keeper.convert("NL", { lvb: new Uint8Array(64) });
    const worker = await startWorker({ lockspace, node: 2, behaviour: "hold", onExit: "die" });
    await worker.terminate();
    const completion = await keeper.convert("PR", { lvb: new Uint8Array(64) });
    assert.deepEqual([completion.lvb?.length, completion.valueNotValid], [64, true]);
    const slotAt = () => recovery.findIndex((event) => event.step === "recoverSlot");
    while (slotAt() < 0 || slotAt() === recovery.length - 1) await setImmediate();
    assert.deepEqual(
      recovery.slice(slotAt() - 1, slotAt() + 2).map((event) => event.step),
      ["recoverPrep", "recoverSlot", "recoverDone"],
    );
    assert.deepEqual(recovery[slotAt()], { step: "recoverSlot", slot: 2, node: 2 });
    await keeper.unlock();
  });

  for (const behaviour of ["throw", "exit"] as const) {
    test(`${behaviour}: neither its neighbours nor their locks go with it`, async () => {
      const [neighbour, crashing] = await Promise.all([
        startWorker({ lockspace, node: 2, behaviour: "hold" }),
        startWorker({ lockspace, node: 3, behaviour, onExit: "die" }),
      ]);
      const crashed: Promise<unknown> =
        behaviour === "throw" ? once(crashing, "error") : once(crashing, "exit");
      const waiting = watcher.request("held-3", "EX");
      crashing.postMessage("now");
      assert.equal((await waiting.completion).status, "granted");
      await crashed;
      const nodes = () => watcher.members().map((member) => member.node);
      assert.deepEqual(nodes(), [1, 2]);
      const taken = watcher.request("held-2", "CR", { flags: ["NOQUEUE"] });
      assert.equal((await taken.completion).status, "EAGAIN");
      await waiting.lock.unlock();
      await neighbour.terminate();
      assert.deepEqual(nodes(), [1]);
    });
  }

  test("asleep in native code it can be terminated", async () => {
    const holder = await granted(watcher, "shared", "EX");
    const worker = await startWorker({ lockspace, node: 2, behaviour: "sleep" });
    assert.equal(await worker.terminate(), 1);
    assert.deepEqual(watcher.members(), [{ node: 1, slot: 1 }]);
    await holder.unlock();
    // It was not granted to the dead.
    await (await granted(watcher, "shared", "EX")).unlock();
  });

  test(`${2 * ROUNDS} threads terminated at random points leave nothing behind`, {
    timeout: 120_000,
  }, async () => {
    const random = seeded(20);
    for (let round = 0; round < ROUNDS; round++) {
      const pick = () => BEHAVIOURS[Math.floor(random() * BEHAVIOURS.length)] ?? "hold";
      const onExit = random() < 0.5 ? "leave" : "die";
      const workers = await Promise.all(
        [2, 3].map((node) => startWorker({ lockspace, node, behaviour: pick(), onExit })),
      );
      await spend(random() * 3);
      const terminate = (worker: Worker) => worker.terminate();
      await Promise.all(random() < 0.5 ? workers.map(terminate) : workers.reverse().map(terminate));
      assert.deepEqual(watcher.members(), [{ node: 1, slot: 1 }], `round ${round}`);
      for (const name of ["held-2", "held-3", "shared", "other"]) {
        const { lock, completion } = watcher.request(name, "EX", { flags: ["NOQUEUE"] });
        assert.equal((await completion).status, "granted", `round ${round}: ${name}`);
        await lock.unlock();
      }
    }
  });
});

/** Turns of the event loop for so long: the workers get somewhere meanwhile. */
async function spend(milliseconds: number): Promise<void> {
  const untilMs = performance.now() + milliseconds;
  while (performance.now() < untilMs) await setImmediate();
}
