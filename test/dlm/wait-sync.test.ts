import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { startWorker, terminateWorkers } from "./start-worker.js";

suite("waiting without an event loop", () => {
  const lockspace = "wait-sync";
  const node = joinEmbeddedLockspace({ lockspace, node: 1 });
  const other = joinEmbeddedLockspace({ lockspace, node: 2 });
  const holder = other.request("held", "EX").lock;
  after(async () => {
    await terminateWorkers();
    await node.leave({ force: true });
    await other.leave({ force: true });
  });

  test("the join itself is the first callback; then time runs out", () => {
    assert.equal(node.waitSync({ timeoutMs: 0 }), "delivered");
    assert.equal(node.waitSync({ timeoutMs: 15 }), "timedOut");
  });

  test("a lock's wait runs out of time and can be taken up again", () => {
    assert.equal(holder.waitSync()?.status, "granted");
    const { lock } = node.request("held", "EX");
    assert.equal(lock.waitSync({ timeoutMs: 15 }), null);
    assert.equal(lock.outstanding, true);
    lock.cancel();
    assert.equal(lock.waitSync()?.status, "ECANCEL");
  });

  test("it is cancelled from outside", () => {
    const { lock } = node.request("held", "EX");
    let asked = 0;
    assert.equal(lock.waitSync({ cancelled: () => ++asked === 3 }), null);
    assert.equal(asked, 3);
    void lock.unlock();
    assert.equal(lock.waitSync()?.status, "EUNLOCK");
  });

  test("an error of a callback comes out of the wait, and the callbacks behind it are delivered", () => {
    const blocking = node.request("callbacks", "EX", {
      onBlocking: () => {
        throw new Error("on purpose");
      },
    }).lock;
    const second = node.request("second", "EX", { onBlocking: (_, lock) => void lock.convert("NL") }).lock;
    const waiting = [other.request("callbacks", "PR").lock, other.request("second", "PR").lock];
    assert.throws(() => node.waitSync(), /on purpose/);
    assert.equal(second.mode, "NL");
    void blocking.unlock();
    for (const lock of waiting) assert.equal(lock.waitSync()?.status, "granted");
  });

  test("threads hand a lock over to each other while this one sleeps in native code", async () => {
    const workers = await Promise.all([
      startWorker({ lockspace, node: 3, behaviour: "churn" }),
      startWorker({ lockspace, node: 4, behaviour: "churn" }),
    ]);
    const { lock } = node.request("shared", "NL");
    lock.waitSync();
    for (let turn = 0; turn < 100; turn++) {
      void lock.convert("EX");
      assert.equal(lock.waitSync()?.status, "granted");
      void lock.convert("NL");
      lock.waitSync();
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
    assert.deepEqual(
      node.members().map((member) => member.node),
      [1, 2],
    );
  });
});
