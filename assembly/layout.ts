/**
 * Where everything lies in linear memory. `src/bitmap/memory-layout.ts` decides; this holds what it decided. Byte addresses unless
 * the name says otherwise; every region is 16-byte aligned and padded to 64 bytes, the page images to 4096.
 */
import { fillLengths } from "./pages";

/** Chunks of one counter page: 2048 counters of 16 bits. */
export const COUNTER_PAGE_SHIFT: u32 = 11;
export const COUNTER_PAGE_CHUNKS: u32 = 2048;
export const COUNTER_PAGE_BYTES: u32 = 4096;
export const SUPERBLOCK_BYTES: usize = 256;
export const SUPERBLOCK_BITS: u32 = 2048;
export const PAGE_BIT_SHIFT: u32 = 15;
export const PAGE_BYTES: usize = 4096;

export const COUNTER_MAX: u16 = 0x3fff;
export const NEEDED: u16 = 0x8000;
export const RESYNC: u16 = 0x4000;

/** The slot. */
export let sizeSectors: u64 = 0;
export let chunkShift: u64 = 0;
/** Sectors of a chunk less 1. */
export let inChunkMask: u32 = 0;
/** Chunks without the last where that is short. */
export let wholeChunks: u32 = 0;
export let chunks: u32 = 0;
export let pageCount: u32 = 0;
export let firstPageOffsetBytes: f64 = 0;
export let lastPageBytes: u32 = 0;

/** Page images: the superblock, then the bits. */
export let image: usize = 0;

/** Ring of application writes. */
export let ringSector: usize = 0;
export let ringSectors: usize = 0;

/** List of pages to write. */
export let listPage: usize = 0;
export let listOffset: usize = 0;
export let listLength: usize = 0;

/** One byte a page: has newly set bits; has bits cleared less than a pass ago; has cleared bits to write. */
export let dirty: usize = 0;
export let pending: usize = 0;
export let needWrite: usize = 0;
/** One byte per 64 pages: some page may be dirty or needWrite; some page may be pending. */
export let listable: usize = 0;
export let ageing: usize = 0;
/**
 * Where a bit's change sets and reads attributes: the three arrays above, or for slots above 0 of the first patches two arrays
 * that nobody scans (spec §2.4 S7).
 */
export let dirtyByBit: usize = 0;
export let pendingByBit: usize = 0;
export let needWriteByBit: usize = 0;

/** Set bits of each page as last written or read. */
export let bitsOnDisk: usize = 0;

/** One entry a counter page (see counters.ts), one byte whether it holds idle chunks, and the pool that pages come from. */
export let counterTable: usize = 0;
export let counterPageCount: u32 = 0;
export let counterPending: usize = 0;
export let counterPool: usize = 0;

/** Positions of the set bits of each byte value, 8 u32 each; then what scans return. */
export let positions: usize = 0;
export let scratch: usize = 0;

/** Called once, before all else. */
export function configure(
  sizeSectors_: f64,
  chunkShift_: u32,
  chunks_: u32,
  pageCount_: u32,
  firstPageOffsetBytes_: f64,
  lastPageBytes_: u32,
  image_: usize,
  ringSector_: usize,
  ringSectors_: usize,
  listPage_: usize,
  listOffset_: usize,
  listLength_: usize,
  dirty_: usize,
  pending_: usize,
  needWrite_: usize,
  listable_: usize,
  ageing_: usize,
  dirtyByBit_: usize,
  pendingByBit_: usize,
  needWriteByBit_: usize,
  bitsOnDisk_: usize,
  counterTable_: usize,
  counterPending_: usize,
  counterPool_: usize,
  positions_: usize,
  scratch_: usize,
): void {
  sizeSectors = u64(sizeSectors_);
  chunkShift = chunkShift_;
  inChunkMask = (1 << chunkShift_) - 1;
  wholeChunks = u32(sizeSectors >> chunkShift_);
  chunks = chunks_;
  pageCount = pageCount_;
  firstPageOffsetBytes = firstPageOffsetBytes_;
  lastPageBytes = lastPageBytes_;
  image = image_;
  ringSector = ringSector_;
  ringSectors = ringSectors_;
  listPage = listPage_;
  listOffset = listOffset_;
  listLength = listLength_;
  dirty = dirty_;
  pending = pending_;
  needWrite = needWrite_;
  listable = listable_;
  ageing = ageing_;
  dirtyByBit = dirtyByBit_;
  pendingByBit = pendingByBit_;
  needWriteByBit = needWriteByBit_;
  bitsOnDisk = bitsOnDisk_;
  counterTable = counterTable_;
  counterPageCount = (chunks + COUNTER_PAGE_CHUNKS - 1) >> COUNTER_PAGE_SHIFT;
  counterPending = counterPending_;
  counterPool = counterPool_;
  positions = positions_;
  scratch = scratch_;
  for (let byte: u32 = 0; byte < 256; byte++) {
    let at = positions + (byte << 5);
    for (let bit: u32 = 0; bit < 8; bit++) {
      if (!(byte & (1 << bit))) continue;
      store<u32>(at, bit);
      at += 4;
    }
  }
  fillLengths();
}
