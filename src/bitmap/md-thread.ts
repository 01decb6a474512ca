/**
 * When the md thread runs its bitmap pass: the first wake at least `daemonSleepNs` after the last pass. Every wake re-arms
 * the thread's own timer to `daemonSleepNs` after that wake where work is pending, else to never (golden/writes findings 2, 3).
 * Time is a number of nanoseconds on any one clock: real in a node, virtual in a replay.
 */
export class MdThread {
  private lastPassNs: number;
  private timerNs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly daemonSleepNs: number,
    startNs: number,
  ) {
    this.lastPassNs = startNs;
  }

  /** The time at which the thread wakes by itself; Infinity where nothing is pending. */
  get wakesAtNs(): number {
    return this.timerNs;
  }

  /** A wake at `nowNs`. Returns whether a pass is due; the caller runs it and then calls `armed`. */
  wake(nowNs: number): boolean {
    if (nowNs - this.lastPassNs < this.daemonSleepNs) return false;
    this.lastPassNs = nowNs;
    return true;
  }

  /** After a wake's work: re-arms the timer. */
  arm(nowNs: number, allClean: boolean): void {
    this.timerNs = allClean ? Number.POSITIVE_INFINITY : nowNs + this.daemonSleepNs;
  }
}
