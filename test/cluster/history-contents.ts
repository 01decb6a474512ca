/**
 * What each 4 KiB block of the array may hold: its last completed write, or a later one that was begun and never completed.
 * Each write marks its blocks with a number of its own.
 */
export const BLOCK_BYTES = 4096;
/** Behind the two words that the array's own writes put there. */
const MARK_AT = 8;

interface BlockHistory {
  /** Marks that may be on the members; 0 is a block that was never written. */
  allowed: number[];
  /** Of the write that is under way. */
  open: number[];
}

export class BlockContents {
  private readonly blocks = new Map<number, BlockHistory>();
  private lastMark = 0;

  /** A write begins; its blocks hold what was allowed before, or the mark. @returns the mark */
  begin(blocks: readonly number[]): number {
    const mark = ++this.lastMark;
    for (const block of blocks) {
      const history = this.blocks.get(block) ?? { allowed: [0], open: [] };
      this.blocks.set(block, history);
      history.open.push(mark);
      history.allowed.push(mark);
    }
    return mark;
  }

  /** A write has completed, or ended any other way; then it may turn up for as long as no other completes. */
  end(blocks: readonly number[], mark: number, completed: boolean): void {
    for (const block of blocks) {
      const history = this.blocks.get(block);
      if (history === undefined) continue;
      history.open = history.open.filter((open) => open !== mark);
      if (completed) history.allowed = [mark, ...history.open];
    }
  }

  isOpen(block: number): boolean {
    return (this.blocks.get(block)?.open.length ?? 0) > 0;
  }

  /** Each block that was ever written to, ascending, with the marks that it may hold. */
  *written(): Generator<readonly [block: number, allowed: readonly number[]]> {
    for (const block of [...this.blocks.keys()].sort((a, b) => a - b)) {
      yield [block, this.blocks.get(block)?.allowed ?? []];
    }
  }
}

/** Puts the mark into each block of a copy of the bytes. */
export function marked(bytes: Uint8Array, mark: number): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let at = MARK_AT; at < copy.length; at += BLOCK_BYTES) view.setUint32(at, mark, true);
  return copy;
}

export function markOf(block: Uint8Array): number {
  return new DataView(block.buffer, block.byteOffset).getUint32(MARK_AT, true);
}
