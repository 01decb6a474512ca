/** What has yet to happen in virtual time: a binary heap; things of one time come out in the order in which they went in. */
export class EventQueue<T> {
  private readonly heap: { readonly atNs: number; readonly turn: number; readonly what: T }[] = [];
  private turns = 0;

  /** Infinity where nothing is queued. */
  get nextNs(): number {
    return this.heap[0]?.atNs ?? Number.POSITIVE_INFINITY;
  }

  add(atNs: number, what: T): void {
    const { heap } = this;
    const entry = { atNs, turn: this.turns++, what };
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  take(): T | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.what;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        below++;
      }
      if (!before(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first.what;
  }
}

function before(
  a: { readonly atNs: number; readonly turn: number },
  b: { readonly atNs: number; readonly turn: number },
): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.turn < b.turn);
}
