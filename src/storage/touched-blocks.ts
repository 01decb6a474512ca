/**
 * Which 4 KiB blocks of an array a run will write: a set that costs memory for what it holds and not for the array's size, so that
 * of a sparse array of 100 TiB just that is primed. Leaves of 2048 blocks (8 MiB of the array, a bit a block) hang in a directory
 * of pages of 1024 leaves (8 GiB); a leaf that is full needs no bits any more.
 */
export const TOUCHED_BLOCK_BYTES = 4096;

const LEAF_BLOCKS = 2048;
const LEAF_WORDS = LEAF_BLOCKS / 32;
const PAGE_LEAVES = 1024;
/** Leaves that are allocated at once. */
const SEGMENT_LEAVES = 256;

/** Entries of a directory page: nothing in the leaf, all of it, or 2 + where its bits are. */
const EMPTY = 0;
const FULL = 1;
const FIRST_LEAF = 2;

export interface TouchedRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export class TouchedBlocks {
  private readonly pages = new Map<number, Uint32Array>();
  private readonly segments: Uint32Array[] = [];
  /** Leaves that have become full and can be used again; all zero. */
  private readonly freeLeaves: number[] = [];
  private leaves = 0;
  private count = 0;
  private lastPage = 0;

  /** Blocks in the set. */
  get blocks(): number {
    return this.count;
  }

  /** Every block that [offsetBytes, offsetBytes + lengthBytes) touches, be it in part. @throws RangeError outside 0 to 2^53 − 1 */
  add(offsetBytes: number, lengthBytes: number): void {
    if (!Number.isSafeInteger(offsetBytes + lengthBytes) || offsetBytes < 0 || lengthBytes < 0)
      throw new RangeError(`${lengthBytes} bytes at offset ${offsetBytes} are no range`);
    if (lengthBytes === 0) return;
    const end = Math.ceil((offsetBytes + lengthBytes) / TOUCHED_BLOCK_BYTES);
    for (let block = Math.floor(offsetBytes / TOUCHED_BLOCK_BYTES); block < end; ) {
      const leaf = Math.floor(block / LEAF_BLOCKS);
      const from = block - leaf * LEAF_BLOCKS;
      const to = Math.min(LEAF_BLOCKS, from + end - block);
      this.addToLeaf(leaf, from, to);
      block += to - from;
    }
  }

  /**
   * The set as whole blocks, ascending and apart. Ranges with at most `mergeGapBytes` between them come as one, which costs bytes
   * and saves calls.
   */
  *ranges(mergeGapBytes = 0): Generator<TouchedRange> {
    let from = this.next(0, true);
    while (from < Number.POSITIVE_INFINITY) {
      let to = this.next(from, false);
      let following = this.next(to, true);
      while ((following - to) * TOUCHED_BLOCK_BYTES <= mergeGapBytes) {
        to = this.next(following, false);
        following = this.next(to, true);
      }
      yield { offsetBytes: from * TOUCHED_BLOCK_BYTES, lengthBytes: (to - from) * TOUCHED_BLOCK_BYTES };
      from = following;
    }
  }

  private addToLeaf(leaf: number, from: number, to: number): void {
    const page = this.pageFor(Math.floor(leaf / PAGE_LEAVES));
    const slot = leaf % PAGE_LEAVES;
    let entry = page[slot] ?? EMPTY;
    if (entry === FULL) return;
    if (entry === EMPTY) {
      if (to - from === LEAF_BLOCKS) {
        page[slot] = FULL;
        this.count += LEAF_BLOCKS;
        return;
      }
      entry = this.takeLeaf() + FIRST_LEAF;
      page[slot] = entry;
    }
    const bits = this.bitsOf(entry);
    for (let word = from >>> 5; word << 5 < to; word++) {
      const added = maskOf(Math.max(0, from - (word << 5)), Math.min(32, to - (word << 5)));
      const before = bits[word] ?? 0;
      this.count += ones(added & ~before);
      bits[word] = before | added;
    }
    if (bits.every((word) => word === 0xffff_ffff)) {
      bits.fill(0);
      this.freeLeaves.push(entry - FIRST_LEAF);
      page[slot] = FULL;
    }
  }

  /** The first block from `block` on that is in the set, or is not; none in the set: infinity. */
  private next(block: number, present: boolean): number {
    const from = Math.floor(block / LEAF_BLOCKS);
    const lastLeaf = (this.lastPage + 1) * PAGE_LEAVES;
    for (let leaf = from; leaf < lastLeaf; leaf++) {
      const page = this.pages.get(Math.floor(leaf / PAGE_LEAVES));
      if (page === undefined) {
        if (!present) return leaf === from ? block : leaf * LEAF_BLOCKS;
        leaf += PAGE_LEAVES - (leaf % PAGE_LEAVES) - 1;
        continue;
      }
      const entry = page[leaf % PAGE_LEAVES] ?? EMPTY;
      const first = leaf === from ? block - leaf * LEAF_BLOCKS : 0;
      const found = this.nextInLeaf(entry, first, present);
      if (found < LEAF_BLOCKS) return leaf * LEAF_BLOCKS + found;
    }
    return present ? Number.POSITIVE_INFINITY : Math.max(block, lastLeaf * LEAF_BLOCKS);
  }

  private nextInLeaf(entry: number, first: number, present: boolean): number {
    if (entry === EMPTY || entry === FULL) return present === (entry === FULL) ? first : LEAF_BLOCKS;
    const bits = this.bitsOf(entry);
    for (let word = first >>> 5; word < LEAF_WORDS; word++) {
      const wanted = present ? (bits[word] ?? 0) : ~(bits[word] ?? 0);
      const rest = wanted & maskOf(Math.max(0, first - (word << 5)), 32);
      if (rest !== 0) return (word << 5) + lowestOne(rest);
    }
    return LEAF_BLOCKS;
  }

  private pageFor(index: number): Uint32Array {
    let page = this.pages.get(index);
    if (page === undefined) {
      page = new Uint32Array(PAGE_LEAVES);
      this.pages.set(index, page);
      this.lastPage = Math.max(this.lastPage, index);
    }
    return page;
  }

  private takeLeaf(): number {
    const free = this.freeLeaves.pop();
    if (free !== undefined) return free;
    if (this.leaves % SEGMENT_LEAVES === 0) this.segments.push(new Uint32Array(SEGMENT_LEAVES * LEAF_WORDS));
    return this.leaves++;
  }

  private bitsOf(entry: number): Uint32Array {
    const leaf = entry - FIRST_LEAF;
    const segment = this.segments[Math.floor(leaf / SEGMENT_LEAVES)];
    const start = (leaf % SEGMENT_LEAVES) * LEAF_WORDS;
    if (segment === undefined) throw new RangeError(`no leaf ${leaf}`);
    return segment.subarray(start, start + LEAF_WORDS);
  }
}

/** Bits [from, to) of a word. */
function maskOf(from: number, to: number): number {
  const upTo = to === 32 ? 0xffff_ffff : 2 ** to - 1;
  return (upTo & ~(2 ** from - 1)) >>> 0;
}

function lowestOne(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function ones(word: number): number {
  const pairs = (word >>> 0) - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
