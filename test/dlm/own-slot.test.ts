import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { granted } from "./conformance.js";

suite("the lock of the own slot", () => {
  test("it is PW on bitmapNNNN, counted from 0, and the range is its value block", async () => {
    const lockspace = "own-slot";
    const first = joinEmbeddedLockspace({ lockspace, node: 1 });
    const second = joinEmbeddedLockspace({ lockspace, node: 2 });
    const own = await second.holdOwnSlot();
    assert.equal(own.slot, 2);
    const refused = await first.request("bitmap0001", "PR", { flags: ["NOQUEUE"] }).completion;
    assert.equal(refused.status, "EAGAIN");
    assert.equal(
      (await first.request("bitmap0000", "EX", { flags: ["NOQUEUE"] }).completion).status,
      "granted",
    );
    await own.publishResyncRange({ lowSector: 0x0102, highSector: 0x0304_0506_0708 });
    const reader = await granted(first, "bitmap0001", "NL");
    const { lvb } = await reader.convert("CR", { lvb: new Uint8Array(64) });
    assert.deepEqual(
      [...(lvb ?? [])],
      [...[2, 1, 0, 0, 0, 0, 0, 0], ...[8, 7, 6, 5, 4, 3, 0, 0], ...new Array(48).fill(0)],
    );
    await own.release();
    assert.equal((await reader.convert("EX", { flags: ["NOQUEUE"] })).status, "granted");
    for (const node of [first, second]) await node.leave({ force: true });
  });

  test("taking it waits for whoever recovers the slot, and the wait can be ended", async () => {
    const lockspace = "own-slot-recovered";
    const node = joinEmbeddedLockspace({ lockspace, node: 1 });
    const recovering = joinEmbeddedLockspace({ lockspace, node: 2 });
    const held = await granted(recovering, "bitmap0000", "PW");
    const stop = new AbortController();
    const stopped = assert.rejects(node.holdOwnSlot({ signal: stop.signal }), {
      errnoName: "ECANCELED",
      code: "dlm-cancelled",
    });
    setImmediate(() => stop.abort());
    await stopped;
    const taking = node.holdOwnSlot();
    await held.unlock();
    await (await taking).release();
    await node.leave();
    await recovering.leave();
  });

  test("a dead owner's range is read as not valid, its own calls end with ESHUTDOWN", async () => {
    const lockspace = "own-slot-dead";
    const dead = joinEmbeddedLockspace({ lockspace, node: 1 });
    const survivor = joinEmbeddedLockspace({ lockspace, node: 2 });
    // The first to use a resource is its master: it survives with what it knows.
    await granted(survivor, "bitmap0000", "NL");
    const own = await dead.holdOwnSlot();
    await own.publishResyncRange({ lowSector: 8, highSector: 16 });
    survivor.declareDead([1]);
    const range = await survivor.resyncRangeOf(1);
    assert.deepEqual(range, { lowSector: 8, highSector: 16, valueNotValid: true });
    await assert.rejects(own.publishResyncRange({ lowSector: 0, highSector: 0 }), {
      errnoName: /ESHUTDOWN|ENOENT/,
    });
    const again = joinEmbeddedLockspace({ lockspace, node: 3 });
    assert.equal(again.slot, 1);
    await again.holdOwnSlot();
    const cleared = await survivor.resyncRangeOf(1);
    assert.deepEqual(cleared, { lowSector: 0, highSector: 0, valueNotValid: false });
    for (const node of [again, survivor]) await node.leave({ force: true });
  });
});
