import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import type { CompletionStatus, Lockspace } from "../../src/dlm/lockspace.js";
import { granted } from "./conformance.js";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Collects until `done`; a collection runs its finalizers in later turns of the event loop. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let turn = 0; !done(); turn++) {
    assert.ok(turn < 1_000, "collected, and not released");
    if (turn % 10 === 0) collectGarbage();
    await setImmediate();
  }
}

suite("what is dropped is released", () => {
  test("a lock that nobody can unlock any more", async () => {
    const lockspace = joinEmbeddedLockspace({ lockspace: "dropped-lock", node: 1 });
    const other = joinEmbeddedLockspace({ lockspace: "dropped-lock", node: 2 });
    await (async () => {
      const forgotten = await granted(lockspace, "forgotten", "EX");
      assert.equal(forgotten.mode, "EX");
    })();
    const kept = await granted(lockspace, "kept", "EX");
    const { lock, completion } = other.request("forgotten", "EX");
    await collectUntil(() => !lock.outstanding);
    assert.equal((await completion).status, "granted");
    const taken = await other.request("kept", "EX", { flags: ["NOQUEUE"] }).completion;
    assert.equal(taken.status, "EAGAIN");
    assert.equal(kept.mode, "EX");
    await other.leave({ force: true });
    await lockspace.leave({ force: true });
  });

  test("a lock that waits is not dropped before its completion, even if only its promise is kept", async () => {
    const lockspace = joinEmbeddedLockspace({ lockspace: "dropped-waiting", node: 1 });
    const other = joinEmbeddedLockspace({ lockspace: "dropped-waiting", node: 2 });
    const holder = await granted(lockspace, "held", "EX");
    let status: CompletionStatus | undefined;
    const waiting = (() => other.request("held", "EX").completion)().then((completion) => {
      status = completion.status;
    });
    for (let turn = 0; turn < 10; turn++) {
      collectGarbage();
      await setImmediate();
    }
    assert.equal(status, undefined);
    await holder.unlock();
    await waiting;
    assert.equal(status, "granted");
    await other.leave({ force: true });
    await lockspace.leave({ force: true });
  });

  test("a lockspace, with locks whose callbacks refer to them", async () => {
    const watcher = joinEmbeddedLockspace({ lockspace: "dropped-node", node: 1 });
    await (async () => {
      const dropped: Lockspace = joinEmbeddedLockspace({ lockspace: "dropped-node", node: 2 });
      const lock = await granted(dropped, "held", "EX", { onBlocking: () => void lock.unlock() });
    })();
    assert.equal(watcher.members().length, 2);
    // Nobody asks for the lock here: the callback would give it up.
    await collectUntil(() => watcher.members().length === 1);
    const taken = await watcher.request("held", "EX", { flags: ["NOQUEUE"] }).completion;
    assert.equal(taken.status, "granted");
    await watcher.leave({ force: true });
  });

  test("a lockspace that was told to stay, stays", async () => {
    const watcher = joinEmbeddedLockspace({ lockspace: "referenced", node: 1 });
    (() => joinEmbeddedLockspace({ lockspace: "referenced", node: 2 }).ref())();
    for (let turn = 0; turn < 10; turn++) {
      collectGarbage();
      await setImmediate();
    }
    assert.equal(watcher.members().length, 2);
    watcher.declareDead([2]);
    await watcher.leave();
  });
});
