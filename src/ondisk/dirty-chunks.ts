/**
 * Counts the set bits of a slot and finds their runs, from the slot's bytes as they come, piece by piece.
 *
 * Bits of one slot of a 100 TiB array with 64 KiB chunks fill 200 MiB; whole words of zeros or ones cost one comparison.
 */
export class DirtyChunkScan {
  /** Chunks seen so far. */
  private chunk = 0;
  /** First chunk of the run that is open; -1 between runs. */
  private runStart = -1;
  private dirty = 0;

  /**
   * @param chunks bits that count; what lies behind them in the last byte or page is padding
   * @param onRange told each run of set bits, first and last chunk inclusive, ascending
   */
  constructor(
    private readonly chunks: number,
    private readonly onRange: (first: number, last: number) => void,
  ) {}

  get dirtyChunks(): number {
    return this.dirty;
  }

  /** Takes the next bytes of the slot's bits (without its superblock). */
  push(bytes: Uint8Array): void {
    const wanted = Math.min(bytes.length, Math.ceil((this.chunks - this.chunk) / 8));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (; at + 4 <= wanted && this.chunks - this.chunk >= 32; at += 4) {
      this.word(view.getUint32(at, true), 32);
    }
    for (; at < wanted; at++) this.word(view.getUint8(at), Math.min(8, this.chunks - this.chunk));
  }

  /** Ends the last run. Every chunk must have been pushed. */
  finish(): void {
    this.close();
  }

  private word(bits: number, count: number): void {
    if (bits === 0 && this.runStart < 0) {
      this.chunk += count;
      return;
    }
    if (bits === 0xffff_ffff && count === 32) {
      if (this.runStart < 0) this.runStart = this.chunk;
      this.chunk += 32;
      return;
    }
    for (let bit = 0; bit < count; bit++, this.chunk++) {
      const set = ((bits >>> bit) & 1) === 1;
      if (set && this.runStart < 0) this.runStart = this.chunk;
      if (!set && this.runStart >= 0) this.close();
    }
  }

  private close(): void {
    if (this.runStart < 0) return;
    this.dirty += this.chunk - this.runStart;
    this.onRange(this.runStart, this.chunk - 1);
    this.runStart = -1;
  }
}
