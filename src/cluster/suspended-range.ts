/**
 * The range that another node resyncs: writes that touch it wait (spec §4.5). One range a node, as since Linux 5.0, for
 * only one node resyncs at a time; what a slot announced goes with that slot.
 */
export class SuspendedRange {
  private slot = -1;
  private low = 0;
  private high = 0;
  private sinceNs = 0;
  private waiting: (() => void)[] = [];

  /** Replaces what was there. Sectors of the array, `high` not included. */
  suspend(slot: number, lowSector: number, highSector: number, nowNs: number): void {
    if (this.high === 0) this.sinceNs = nowNs;
    this.slot = slot;
    this.low = lowSector;
    this.high = highSector;
    this.wake();
  }

  /** Ends what this slot announced. Returns since when writers were held up, or null where nothing was suspended by it. */
  resume(slot: number): number | null {
    if (this.high === 0 || this.slot !== slot) return null;
    this.slot = -1;
    this.low = 0;
    this.high = 0;
    this.wake();
    return this.sinceNs;
  }

  /** What is suspended; null where nothing is. */
  get current(): { readonly slot: number; readonly lowSector: number; readonly highSector: number } | null {
    return this.high === 0 ? null : { slot: this.slot, lowSector: this.low, highSector: this.high };
  }

  overlaps(fromSector: number, toSector: number): boolean {
    return toSector > this.low && fromSector < this.high;
  }

  /** Resolves at the next change of the range, or when all who wait are let go. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Lets all who wait look again: the range has changed, or the node is gone. */
  wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
