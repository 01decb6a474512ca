/** Waiting for an instant of CLOCK_MONOTONIC: asleep for most of it, then awake, since a timer alone is some 50 µs late. */
import { monotonicNs } from "../storage/monotonic.js";

const SPIN_NS = 60_000;
const cell = new Int32Array(new SharedArrayBuffer(4));

export function pause(untilNs: number): void {
  const aheadNs = untilNs - monotonicNs();
  if (aheadNs > SPIN_NS) Atomics.wait(cell, 0, 0, (aheadNs - SPIN_NS) / 1e6);
  while (monotonicNs() < untilNs);
}
