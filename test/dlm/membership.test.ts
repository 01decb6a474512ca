import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import type { RecoveryEvent } from "../../src/dlm/lockspace.js";
import { granted } from "./conformance.js";

suite("membership", () => {
  test("slots are the lowest that are free, and every join is told to all", async () => {
    const lockspace = "slots";
    const heard: RecoveryEvent[] = [];
    const first = joinEmbeddedLockspace({ lockspace, node: 7, onRecovery: (event) => heard.push(event) });
    const second = joinEmbeddedLockspace({ lockspace, node: 3 });
    assert.deepEqual([first.slot, second.slot], [1, 2]);
    await first.leave();
    const third = joinEmbeddedLockspace({ lockspace, node: 9 });
    assert.deepEqual(third.members(), [
      { node: 9, slot: 1 },
      { node: 3, slot: 2 },
    ]);
    await setImmediate();
    assert.deepEqual(heard.at(-1), undefined, "its own departure came before its event loop's turn");
    await second.leave();
    await third.leave();
  });

  test("a number in use, number 0 and names of no or 65 bytes are refused", async () => {
    const lockspace = "refused";
    const node = joinEmbeddedLockspace({ lockspace, node: 1 });
    assert.throws(() => joinEmbeddedLockspace({ lockspace, node: 1 }), {
      errnoName: "EEXIST",
      code: "dlm-node-exists",
      kind: "refused",
    });
    for (const number of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      assert.throws(() => joinEmbeddedLockspace({ lockspace, node: number }), { errnoName: "EINVAL" });
    }
    for (const name of ["", "x".repeat(65)]) {
      assert.throws(() => joinEmbeddedLockspace({ lockspace: name, node: 1 }), {
        errnoName: "EINVAL",
        code: "dlm-lockspace-name-length",
        kind: "input",
      });
    }
    await node.leave();
  });

  test("with locks it leaves only by force; what it waited for ends with ESHUTDOWN", async () => {
    const lockspace = "leaving";
    const node = joinEmbeddedLockspace({ lockspace, node: 1 });
    const other = joinEmbeddedLockspace({ lockspace, node: 2 });
    const holder = await granted(other, "held", "EX");
    const lock = await granted(node, "held", "NL");
    assert.throws(() => node.leave(), { errnoName: "EBUSY", code: "dlm-node-holds-locks" });
    const conversion = lock.convert("EX");
    await node.leave({ force: true });
    assert.deepEqual((await conversion).status, "ESHUTDOWN");
    assert.deepEqual([node.gone, lock.mode, lock.outstanding], [true, null, false]);
    assert.throws(() => node.request("held", "NL"), { errnoName: "ESHUTDOWN", code: "dlm-node-gone" });
    assert.throws(() => lock.convert("NL"), { errnoName: /ESHUTDOWN|ENOENT/ });
    assert.throws(() => node.leave(), { errnoName: "ENOENT" });
    assert.equal(node.waitSync(), "gone");
    await holder.unlock();
    await other.leave();
  });

  test("a node declared dead hears so, and the survivors recover", async () => {
    const lockspace = "declared";
    const heard: RecoveryEvent[] = [];
    const dead = joinEmbeddedLockspace({ lockspace, node: 1 });
    const survivor = joinEmbeddedLockspace({ lockspace, node: 2, onRecovery: (event) => heard.push(event) });
    const lock = await granted(dead, "held", "EX");
    const waiting = survivor.request("held", "EX");
    const ended = dead.request("held", "EX");
    assert.throws(() => survivor.declareDead([1, 5]), { errnoName: "ENOENT", code: "dlm-node-unknown" });
    assert.equal(lock.mode, "EX");
    survivor.declareDead([1]);
    assert.equal((await ended.completion).status, "ESHUTDOWN");
    assert.equal((await waiting.completion).status, "granted");
    assert.deepEqual([dead.gone, lock.mode], [true, null]);
    assert.ok(heard.some((event) => event.step === "recoverSlot" && event.slot === 1 && event.node === 1));
    await survivor.leave({ force: true });
  });
});
