/** Inclusive ranges of chunks, ascending, 16 bytes each: a slot of a large array may have tens of millions. */
export class ChunkRanges {
  private bounds = new Float64Array(16);
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(first: number, last: number): void {
    if (this.count * 2 === this.bounds.length) {
      const larger = new Float64Array(this.bounds.length * 2);
      larger.set(this.bounds);
      this.bounds = larger;
    }
    this.bounds[this.count * 2] = first;
    this.bounds[this.count * 2 + 1] = last;
    this.count++;
  }

  /** Ranges from `from` on, at most `most`. */
  *slice(from = 0, most = Number.POSITIVE_INFINITY): Generator<readonly [number, number]> {
    const end = Math.min(this.count, from + most);
    for (let index = from; index < end; index++) {
      yield [this.bounds[index * 2] ?? 0, this.bounds[index * 2 + 1] ?? 0];
    }
  }
}
