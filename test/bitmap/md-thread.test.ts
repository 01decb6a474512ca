import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MdThread } from "../../src/bitmap/md-thread.js";

const SLEEP = 5000;
const NEVER = Number.POSITIVE_INFINITY;

describe("the md thread's passes and timer", () => {
  it("sleeps for good after a pass of a clean bitmap, also when a write ends later (finding 2)", () => {
    const thread = new MdThread(SLEEP, Number.NEGATIVE_INFINITY);
    assert.equal(thread.wake(0, true), false);
    thread.arm(true);
    assert.equal(thread.wakesAtNs, NEVER);
  });

  it("sets its timer at a wake that is no pass but finds work pending (B_16chunks)", () => {
    const thread = new MdThread(SLEEP, Number.NEGATIVE_INFINITY);
    thread.wake(0, true);
    thread.arm(true);
    assert.equal(thread.wake(1000, false), false);
    thread.arm(false);
    assert.equal(thread.wakesAtNs, 6000);
  });

  it("passes at the first wake a whole period after the last pass, so gaps are 5 to 10 s (finding 3)", () => {
    const thread = new MdThread(SLEEP, 0);
    assert.equal(thread.wake(4999, false), false);
    thread.arm(false);
    assert.equal(thread.wakesAtNs, 9999);
    assert.equal(thread.wake(9999, false), true);
    thread.arm(false);
    assert.equal(thread.wake(14998, false), false);
    assert.equal(thread.wake(14999, false), true);
  });

  it("wakes once more after the pass that leaves the bitmap clean, and then no more", () => {
    const thread = new MdThread(SLEEP, 0);
    assert.equal(thread.wake(5000, false), true);
    thread.arm(false);
    assert.equal(thread.wake(10000, false), true);
    thread.arm(true);
    assert.equal(thread.wakesAtNs, 15000);
    assert.equal(thread.wake(15000, true), false);
    thread.arm(true);
    assert.equal(thread.wakesAtNs, NEVER);
  });

  it("reads a coarse clock where it is given one", () => {
    const seconds = {
      clockNs: (ns: number) => ns - (ns % 1000),
      expiryNs: (now: number, delay: number) => now + delay + 1,
    };
    const thread = new MdThread(SLEEP, 900, seconds);
    assert.equal(thread.wake(5100, false), true);
    thread.arm(false);
    assert.equal(thread.wakesAtNs, 10101);
  });
});
