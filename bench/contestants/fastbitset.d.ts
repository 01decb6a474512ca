/** Types for fastbitset, which ships none: what the benchmark uses of it. */
declare module "fastbitset" {
  class FastBitSet {
    constructor(iterable?: Iterable<number>);
    words: number[];
    add(index: number): void;
    resize(index: number): void;
    size(): number;
    array(): number[];
    forEach(visit: (index: number) => void): void;
    union(other: FastBitSet): this;
  }
  export = FastBitSet;
}
