import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { JIFFY_NS, jiffiesAt, timerExpiryNs } from "../../src/replay/timer-wheel.js";

const SECOND = 1e9;

describe("the kernel's timer wheel at HZ=250", () => {
  it("makes 5 s last 5.12 s from one firing to the next (finding 3)", () => {
    const first = timerExpiryNs(0.102764 * SECOND, 5 * SECOND);
    assert.equal(timerExpiryNs(first, 5 * SECOND) - first, 5.12 * SECOND);
  });

  it("fires 5 s within 5.0 to 5.26 s", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (nowNs) => {
        const waited = (timerExpiryNs(nowNs, 5 * SECOND) - nowNs) / SECOND;
        assert.ok(waited > 5 && waited <= 5.26, String(waited));
      }),
    );
  });

  it("never fires early, at most a bucket late, and on a boundary of its level", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 1, max: 1e12 }), (nowNs, delayNs) => {
        const expiryNs = timerExpiryNs(nowNs, delayNs);
        const lateJiffies = expiryNs / JIFFY_NS - jiffiesAt(nowNs) - Math.ceil(delayNs / JIFFY_NS);
        // A level's buckets are an eighth of the shortest delay that it takes.
        assert.ok(lateJiffies >= 1 && lateJiffies <= Math.max(1, Math.ceil(delayNs / JIFFY_NS) / 7.875));
        assert.equal(expiryNs % JIFFY_NS, 0);
      }),
    );
  });

  it("counts short delays in single jiffies", () => {
    assert.equal(timerExpiryNs(0, 10 * JIFFY_NS), 11 * JIFFY_NS);
    assert.equal(timerExpiryNs(0, 62 * JIFFY_NS), 63 * JIFFY_NS);
    assert.equal(timerExpiryNs(0, 63 * JIFFY_NS), 64 * JIFFY_NS);
    assert.equal(timerExpiryNs(0, 64 * JIFFY_NS), 72 * JIFFY_NS);
  });
});
