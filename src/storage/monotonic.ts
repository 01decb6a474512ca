/** Nanoseconds of CLOCK_MONOTONIC, which every thread of a process, native code included, reads alike. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}
