/** Waiting for a lock with a limit. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { completedWithin } from "../../src/cluster/lock-wait.js";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { LockError } from "../../src/dlm/lock-error.js";

const HANGS_MS = 20_000;

suite("waiting for a lock", { timeout: HANGS_MS }, () => {
  test("a time-out that comes as the node dies is no defect: the completion says how it ended", async () => {
    const name = `lock-wait-${process.pid}`;
    const onRecovery = () => {};
    const holder = await joinEmbeddedLockspace({ lockspace: name, node: 1, onRecovery });
    const waiter = await joinEmbeddedLockspace({ lockspace: name, node: 2, onRecovery });
    await holder.request("held", "EX").completion;
    const { lock, completion } = waiter.request("held", "EX");
    const ended = completedWithin(lock, completion, 1, "held in EX");
    // The timer is due by the time that this thread hears of the death.
    waiter.declareDead([waiter.node]);
    const untilMs = Date.now() + 10;
    while (Date.now() < untilMs);
    await assert.rejects(ended, (error) => error instanceof LockError && error.errnoName === "ESHUTDOWN");
    await holder.leave({ force: true });
  });
});
