/**
 * When the md thread runs its bitmap pass: at the first wake at least `daemonSleepNs` after the last pass. Every wake re-arms the
 * thread's own timer from that wake; to how long, only the pass's time gate and pending work decide (spec §3.4; golden/writes
 * findings 2, 3). Time is a number of nanoseconds on any one clock: real in a node, virtual in a replay.
 *
 * One wake: `if (thread.wake(now, bitmap.allClean)) ...daemonPass()...; thread.arm(bitmap.allClean)`.
 */

/** How coarse the clock and the timers are that the thread lives by. */
export interface MdTiming {
  /** The time that the thread reads on its clock at `ns`. */
  clockNs(ns: number): number;
  /** When a timer set at `nowNs` for `delayNs` fires. */
  expiryNs(nowNs: number, delayNs: number): number;
}

export const exactTiming: MdTiming = {
  clockNs: (ns) => ns,
  expiryNs: (nowNs, delayNs) => nowNs + delayNs,
};

export class MdThread {
  private lastPassNs: number;
  private lastWakeNs: number;
  private timeoutNs = Number.POSITIVE_INFINITY;
  private timerNs = Number.POSITIVE_INFINITY;

  /** `lastPassNs`: when the last pass ran; -Infinity for a thread that has been idle for long. */
  constructor(
    private readonly daemonSleepNs: number,
    lastPassNs: number,
    private readonly timing: MdTiming = exactTiming,
  ) {
    this.lastPassNs = timing.clockNs(lastPassNs);
    this.lastWakeNs = lastPassNs;
  }

  /** The time at which the thread wakes by itself; Infinity where only a write or a message can wake it. */
  get wakesAtNs(): number {
    return this.timerNs;
  }

  /** A wake at `nowNs`. Returns whether a pass is due: the caller runs it, and in any case then calls `arm`. */
  wake(nowNs: number, allClean: boolean): boolean {
    const clockNs = this.timing.clockNs(nowNs);
    this.lastWakeNs = nowNs;
    if (clockNs - this.lastPassNs < this.daemonSleepNs) return false;
    this.lastPassNs = clockNs;
    if (allClean) this.timeoutNs = Number.POSITIVE_INFINITY;
    return !allClean;
  }

  /**
   * After a wake's work. A pass that leaves nothing pending keeps the timer as it was: the thread wakes once more, finds nothing, and
   * only then sleeps for good.
   */
  arm(allClean: boolean): void {
    if (!allClean) this.timeoutNs = this.daemonSleepNs;
    this.timerNs =
      this.timeoutNs === Number.POSITIVE_INFINITY
        ? Number.POSITIVE_INFINITY
        : this.timing.expiryNs(this.lastWakeNs, this.timeoutNs);
  }
}
