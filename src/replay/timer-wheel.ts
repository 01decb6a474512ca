/**
 * Time as the kernel's timers see it at HZ=250 (golden/writes finding 3): the clock moves in jiffies of 4 ms, and a timer fires at the
 * first boundary of its wheel level after its time, so that 5 s last 5.004 to 5.256 s, and 5.12 s from one such firing to the next
 * (kernel/time/timer.c, calc_wheel_index). Virtual time begins at a boundary of all levels.
 */
import type { MdTiming } from "../bitmap/md-thread.js";

export const HZ = 250;
export const JIFFY_NS = 1e9 / HZ;

const LEVEL_BUCKETS = 64;
/** Each level's buckets are this many times as long as those of the level below. */
const LEVEL_FACTOR = 8;

export function jiffiesAt(ns: number): number {
  return Math.floor(ns / JIFFY_NS);
}

/** When a timer set at `nowNs` for `delayNs` later fires. */
export function timerExpiryNs(nowNs: number, delayNs: number): number {
  const delayJiffies = Math.ceil(delayNs / JIFFY_NS);
  let bucketJiffies = 1;
  while (delayJiffies >= (LEVEL_BUCKETS - 1) * bucketJiffies) bucketJiffies *= LEVEL_FACTOR;
  const due = jiffiesAt(nowNs) + delayJiffies;
  return (Math.floor(due / bucketJiffies) + 1) * bucketJiffies * JIFFY_NS;
}

export const kernelTiming: MdTiming = {
  clockNs: (ns) => jiffiesAt(ns) * JIFFY_NS,
  expiryNs: timerExpiryNs,
};
