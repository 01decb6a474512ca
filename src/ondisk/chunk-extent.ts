/** How many chunks, and the first of their ranges: enough to name them, however many they are. */

/** More ranges than anybody reads; the count goes on. */
const RANGES_KEPT = 256;
const RANGES_NAMED = 8;

export class ChunkExtent {
  /** Inclusive, ascending; the first RANGES_KEPT. */
  readonly ranges: [first: number, last: number][] = [];
  private chunks = 0;
  private rangeCount = 0;
  private lastChunk = -1;

  get count(): number {
    return this.chunks;
  }

  /** The next chunks, ascending; what touches the last range or lies in it becomes part of it. */
  push(first: number, last: number): void {
    const from = Math.max(first, this.lastChunk + 1);
    if (last < from) return;
    this.chunks += last - from + 1;
    const open = this.ranges.at(-1);
    if (from === this.lastChunk + 1 && this.rangeCount > 0) {
      if (open !== undefined && this.rangeCount === this.ranges.length) open[1] = last;
    } else {
      this.rangeCount++;
      if (this.rangeCount <= RANGES_KEPT) this.ranges.push([from, last]);
    }
    this.lastChunk = last;
  }

  /** For example `3 chunks: 12000 13000-13001`. */
  toString(): string {
    const named = this.ranges.slice(0, RANGES_NAMED);
    const text = named.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(" ");
    const rest = this.rangeCount - named.length;
    return `${this.chunks === 1 ? "1 chunk" : `${this.chunks} chunks`}: ${text}${rest > 0 ? ` and ${rest} more ranges` : ""}`;
  }
}
