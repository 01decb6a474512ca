/**
 * How often a rewritten chunk pays for its bit, as counted on traces that are not among the golden ones (findings 2, 3 and 4 of
 * golden/writes give the counts).
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkScript } from "../../src/replay/read-script.js";
import { replayScript } from "../../src/replay/replay-script.js";
import type { AppWrite } from "../../src/replay/script.js";
import { withGeometry, writesScript } from "./scripts.js";

const CHUNK_BYTES = 262144;
/** 13 pages a slot, as in the traces' 100 GiB array. */
const array = withGeometry({
  syncSizeSectors: 209582080,
  chunkBytes: CHUNK_BYTES,
  dataOffsetSectors: 133120,
});

/** Chunks rewritten with the given periods, each on its own page or all on one; what fraction of its writes each paid for. */
function paid(periods: readonly number[], seconds: number, onOnePage: boolean): Record<number, string> {
  const streams = periods.map((period, i): AppWrite[] => {
    const chunk = onOnePage ? 100 + i : 32768 * (i + 1);
    return Array.from({ length: Math.floor(seconds / period) + 1 }, (_, n) => ({
      node: 0,
      // The streams start 10 ms after one another.
      atSeconds: n * period + i / 100,
      offsetBytes: chunk * CHUNK_BYTES,
      lengthBytes: 4096,
    }));
  });
  const script = writesScript(streams.flat(), { ...array, untilSeconds: seconds + 1 });
  const unplugs = new Set(
    [...replayScript(checkScript(script, "script"))]
      .filter(({ cause }) => cause === "unplug")
      .map(({ timeSeconds }) => timeSeconds.toFixed(6)),
  );
  const figures = streams.map((writes, i) => {
    const paying = writes.filter(({ atSeconds }) => unplugs.has(atSeconds.toFixed(6)));
    return [periods[i], `${paying.length}/${writes.length}`];
  });
  return Object.fromEntries(figures);
}

describe("the writes that pay for a bitmap page", () => {
  it("with passes every 5 s (C_pages_periods8): 20 %, 80 % and all, as spec 3.5 has it", () => {
    assert.deepEqual(paid([2, 5, 6, 9, 11, 12, 14, 16], 90, false), {
      2: "1/46",
      5: "1/19",
      6: "4/16",
      9: "9/11",
      11: "9/9",
      12: "8/8",
      14: "7/7",
      16: "6/6",
    });
  });

  it("with passes every 6 s, for nothing wakes the thread at 5 (C_pages_periods, C_1page_periods)", () => {
    const figures = { 2: "1/31", 6: "1/11", 9: "4/7", 12: "6/6" };
    assert.deepEqual(paid([2, 6, 9, 12], 60, false), figures);
    assert.deepEqual(paid([2, 6, 9, 12], 60, true), figures);
  });

  it("alone, at its own pass it is always in flight (C_single_6, C_single_12)", () => {
    assert.deepEqual(paid([6], 48, false), { 6: "1/9" });
    assert.deepEqual(paid([12], 48, false), { 12: "1/5" });
  });
});
