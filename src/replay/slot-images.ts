/** What lies in the slots on disk as a replay goes on: each page as it was last written, by whichever node. */
import {
  BITMAP_SUPERBLOCK_BITS,
  BITMAP_SUPERBLOCK_BYTES,
  BITS_PER_PAGE,
  PAGE_BYTES,
  type SlotGeometry,
} from "../ondisk/slot-geometry.js";

export class SlotImages {
  /** By slot, then by page; a page that was never written is zero. */
  private readonly written = new Map<number, Map<number, Uint8Array>>();

  constructor(private readonly geometry: SlotGeometry) {}

  /** @param image the whole slot; of it page `page` is written */
  write(slot: number, page: number, image: Uint8Array): void {
    this.page(slot, page).set(image.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
  }

  /** Sets the bits of chunks `first` to `last`. */
  setBits(slot: number, first: number, last: number): void {
    const end = last + BITMAP_SUPERBLOCK_BITS;
    for (let bit = first + BITMAP_SUPERBLOCK_BITS; bit <= end; ) {
      const page = this.page(slot, Math.floor(bit / BITS_PER_PAGE));
      const byte = Math.floor((bit % BITS_PER_PAGE) / 8);
      const wholeBytes = bit % 8 === 0 ? Math.min(Math.floor((end + 1 - bit) / 8), PAGE_BYTES - byte) : 0;
      if (wholeBytes > 0) page.fill(0xff, byte, byte + wholeBytes);
      else page[byte] = (page[byte] ?? 0) | (1 << (bit % 8));
      bit += wholeBytes > 0 ? wholeBytes * 8 : 1;
    }
  }

  /** The slot whole, superblock included, as it would be read. */
  read(slot: number): Uint8Array {
    const image = new Uint8Array(this.geometry.pagesPerSlot * PAGE_BYTES);
    for (const [page, bytes] of this.written.get(slot) ?? []) image.set(bytes, page * PAGE_BYTES);
    return image;
  }

  /** Clears every bit. @returns the pages that had one, ascending */
  clear(slot: number): number[] {
    const cleared: number[] = [];
    for (const [page, bytes] of this.written.get(slot) ?? []) {
      const bits = bytes.subarray(page === 0 ? BITMAP_SUPERBLOCK_BYTES : 0);
      if (bits.some((byte) => byte !== 0)) cleared.push(page);
      bits.fill(0);
    }
    return cleared.sort((a, b) => a - b);
  }

  private page(slot: number, page: number): Uint8Array {
    let pages = this.written.get(slot);
    if (pages === undefined) {
      pages = new Map();
      this.written.set(slot, pages);
    }
    let bytes = pages.get(page);
    if (bytes === undefined) {
      bytes = new Uint8Array(PAGE_BYTES);
      pages.set(page, bytes);
    }
    return bytes;
  }
}
