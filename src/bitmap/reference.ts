/**
 * The plain definition of a slot's bitmap: spec §3.1 to §3.6 in the order of the kernel's drivers/md/md-bitmap.c, one
 * chunk at a time, nothing clever. It is held against the WASM hot path by a property test and is what to read first.
 */
import {
  BITMAP_SUPERBLOCK_BITS,
  BITMAP_SUPERBLOCK_BYTES,
  BITS_PER_PAGE,
  PAGE_BYTES,
  PAGE_SECTORS,
  pageSector,
  pageWriteBytes,
  SECTOR_BYTES,
  type SlotGeometry,
} from "../ondisk/slot-geometry.js";
import {
  type ArrayState,
  COUNTER_MAX,
  COUNTER_NEEDED,
  COUNTER_RESYNC,
  type EventRing,
  type PageList,
  type SlotBitmap,
  writeBeyondArray,
} from "./slot-bitmap.js";
import { putEventsCleared, putSuperblock } from "./superblock-fields.js";

const COUNTERS_PER_PAGE = PAGE_BYTES / 2;

export class ReferenceBitmap implements SlotBitmap {
  readonly ring: EventRing;
  readonly pages: PageList;
  readonly image: Uint8Array;
  allClean = true;
  needSync = false;
  eventsCleared = 0;

  private readonly counters: Uint16Array;
  /** Counter pages with idle chunks to age (`bp[].pending`). */
  private readonly counterPagePending: Uint8Array;
  private readonly dirty: Uint8Array;
  private readonly pending: Uint8Array;
  private readonly needWrite: Uint8Array;
  private readonly bitsOnDisk: Uint32Array;
  /**
   * The first patches indexed page attributes by the page's place in the whole bitmap area but scanned one slot's worth: above slot
   * 0 an attribute that a bit sets is never seen again (spec §2.4 S7), those set for a page by its own number still are.
   */
  private readonly bitAttributesLost: boolean;
  private array: ArrayState = { events: 0, degraded: false };

  constructor(
    readonly geometry: SlotGeometry,
    readonly slot: number,
    ringCapacity = 1024,
  ) {
    const { pagesPerSlot, chunks } = geometry;
    this.bitAttributesLost = geometry.variant === "original" && slot > 0;
    this.ring = {
      capacity: ringCapacity,
      sector: new Float64Array(ringCapacity),
      sectors: new Uint32Array(ringCapacity),
    };
    this.pages = {
      page: new Uint32Array(pagesPerSlot),
      offsetBytes: new Float64Array(pagesPerSlot),
      lengthBytes: new Uint32Array(pagesPerSlot),
    };
    this.image = new Uint8Array(pagesPerSlot * PAGE_BYTES);
    this.counters = new Uint16Array(chunks);
    this.counterPagePending = new Uint8Array(Math.ceil(chunks / COUNTERS_PER_PAGE));
    this.dirty = new Uint8Array(pagesPerSlot);
    this.pending = new Uint8Array(pagesPerSlot);
    this.needWrite = new Uint8Array(pagesPerSlot);
    this.bitsOnDisk = new Uint32Array(pagesPerSlot);
  }

  setArrayState(state: ArrayState): void {
    this.array = state;
  }

  startWrites(first: number, count: number): number {
    for (let i = first; i < first + count; i++) {
      const [from, to] = this.chunksOf(i);
      for (let chunk = from; chunk <= to; chunk++) {
        if ((this.word(chunk) & COUNTER_MAX) === COUNTER_MAX) return i - first;
      }
      for (let chunk = from; chunk <= to; chunk++) {
        const word = this.word(chunk);
        if (word === 0) {
          this.setBit(chunk);
          this.counters[chunk] = 2;
        } else if (word === 1) {
          this.counters[chunk] = 2;
        }
        this.counters[chunk] = this.word(chunk) + 1;
      }
    }
    return count;
  }

  endWrites(first: number, count: number, failed: boolean): void {
    // Since 6.14 the array's state at the end of the write decides, before it was the write's own fate.
    const missed = failed || (this.geometry.kernel === "mainline" && this.array.degraded);
    for (let i = first; i < first + count; i++) {
      const [from, to] = this.chunksOf(i);
      for (let chunk = from; chunk <= to; chunk++) {
        if (!missed && !this.array.degraded && this.eventsCleared < this.array.events) {
          this.eventsCleared = this.array.events;
          this.needSync = true;
        }
        if (missed) this.counters[chunk] = this.word(chunk) | COUNTER_NEEDED;
        this.counters[chunk] = this.word(chunk) - 1;
        if (this.word(chunk) <= 2) this.markIdle(chunk);
      }
    }
  }

  unplug(): number {
    let listed = 0;
    for (let page = 0; page < this.geometry.pagesPerSlot; page++) {
      if (this.dirty[page] === 0 && this.needWrite[page] === 0) continue;
      this.dirty[page] = 0;
      this.needWrite[page] = 0;
      this.pending[page] = 0;
      listed = this.list(page, listed);
    }
    return listed;
  }

  daemonPass(): number {
    if (this.allClean) return 0;
    this.allClean = true;
    for (let page = 0; page < this.geometry.pagesPerSlot; page++) {
      if (this.pending[page] === 0) continue;
      this.pending[page] = 0;
      this.needWrite[page] = 1;
    }
    if (this.needSync) {
      this.needSync = false;
      putEventsCleared(this.image, this.eventsCleared);
      this.needWrite[0] = 1;
    }
    for (let group = 0; group < this.counterPagePending.length; group++) {
      if (this.counterPagePending[group] === 0) continue;
      this.counterPagePending[group] = 0;
      const end = Math.min((group + 1) * COUNTERS_PER_PAGE, this.geometry.chunks);
      for (let chunk = group * COUNTERS_PER_PAGE; chunk < end; chunk++) this.age(chunk);
    }
    let listed = 0;
    for (let page = 0; page < this.geometry.pagesPerSlot; page++) {
      if (this.dirty[page] !== 0) break;
      if (this.needWrite[page] === 0) continue;
      this.needWrite[page] = 0;
      listed = this.list(page, listed);
    }
    return listed;
  }

  updateSuperblock(): number {
    if (this.array.events < this.eventsCleared) this.eventsCleared = this.array.events;
    putSuperblock(this.image, this.geometry, this.array.events, this.eventsCleared);
    return this.list(0, 0);
  }

  writeAll(): void {
    this.needWrite.fill(1);
    this.allClean = false;
  }

  notePagesWritten(count: number): number {
    for (let i = 0; i < count; i++) this.noteOnDisk(this.pages.page[i] ?? 0);
    return this.bitsOnDisk.reduce((sum, bits) => sum + bits, 0);
  }

  load(needFromSector: number): void {
    this.forget();
    for (let page = 0; page < this.geometry.pagesPerSlot; page++) this.noteOnDisk(page);
    this.takeCounters(needFromSector);
  }

  loadStale(needFromSector: number): void {
    this.forget();
    // The kernel fills to the end of the last page, past the last chunk.
    this.image.fill(0xff, BITMAP_SUPERBLOCK_BYTES);
    this.dirty.fill(1);
    this.takeCounters(needFromSector);
  }

  merge(other: Uint8Array): { readonly firstChunk: number; readonly lastChunk: number } | null {
    let firstChunk = -1;
    let lastChunk = -1;
    for (let chunk = 0; chunk < this.geometry.chunks; chunk++) {
      if (bitOf(other, chunk) === 0) continue;
      if (firstChunk < 0) firstChunk = chunk;
      lastChunk = chunk;
      if (this.word(chunk) === 0) {
        this.counters[chunk] = 2;
        this.markIdle(chunk);
      }
      this.counters[chunk] = this.word(chunk) | COUNTER_NEEDED;
      this.setBit(chunk);
    }
    return firstChunk < 0 ? null : { firstChunk, lastChunk };
  }

  startSync(sector: number, degraded: boolean): { readonly needed: boolean; readonly sectors: number } {
    let needed = false;
    let sectors = 0;
    while (sectors < PAGE_SECTORS) {
      const chunk = Math.floor((sector + sectors) / this.geometry.chunkSectors);
      const word = this.word(chunk);
      if ((word & COUNTER_RESYNC) !== 0) needed = true;
      else if ((word & COUNTER_NEEDED) !== 0) {
        needed = true;
        if (!degraded) this.counters[chunk] = (word & ~COUNTER_NEEDED) | COUNTER_RESYNC;
      }
      sectors = (chunk + 1) * this.geometry.chunkSectors - sector;
    }
    return { needed, sectors };
  }

  endSync(sector: number, aborted: boolean): number {
    const chunk = Math.floor(sector / this.geometry.chunkSectors);
    let word = this.word(chunk);
    if ((word & COUNTER_RESYNC) !== 0) {
      word &= ~COUNTER_RESYNC;
      if (aborted) word |= COUNTER_NEEDED;
      this.counters[chunk] = word;
      if (word <= 2) this.markIdle(chunk);
    }
    return (chunk + 1) * this.geometry.chunkSectors - sector;
  }

  closeSync(): void {
    for (let sector = 0; sector < this.geometry.syncSizeSectors; ) sector += this.endSync(sector, false);
  }

  countDirtyChunks(): number {
    let bits = 0;
    for (let chunk = 0; chunk < this.geometry.chunks; chunk++) bits += this.bit(chunk);
    return bits;
  }

  dirtyRanges(fromChunk = 0, maxRanges = Number.POSITIVE_INFINITY): [number, number][] {
    const ranges: [number, number][] = [];
    for (let chunk = fromChunk; chunk < this.geometry.chunks; chunk++) {
      if (this.bit(chunk) === 0) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === chunk - 1) last[1] = chunk;
      else if (ranges.length === maxRanges) break;
      else ranges.push([chunk, chunk]);
    }
    return ranges;
  }

  counter(chunk: number): number {
    return this.word(chunk);
  }

  private age(chunk: number): void {
    const word = this.word(chunk);
    if (word === 1) {
      this.counters[chunk] = 0;
      const bit = chunk + BITMAP_SUPERBLOCK_BITS;
      const byte = Math.floor(bit / 8);
      this.image[byte] = (this.image[byte] ?? 0) & ~(1 << (bit & 7));
      const page = Math.floor(bit / BITS_PER_PAGE);
      if (this.bitAttributesLost) this.allClean = false;
      else if (this.needWrite[page] === 0) {
        this.pending[page] = 1;
        this.allClean = false;
      }
    } else if (word === 2) {
      this.counters[chunk] = 1;
      this.markIdle(chunk);
    }
  }

  private forget(): void {
    this.counters.fill(0);
    this.counterPagePending.fill(0);
    this.dirty.fill(0);
    this.pending.fill(0);
    this.needWrite.fill(0);
    this.allClean = false;
    this.needSync = false;
  }

  private takeCounters(needFromSector: number): void {
    for (let chunk = 0; chunk < this.geometry.chunks; chunk++) {
      if (this.bit(chunk) === 0) continue;
      const needed = (chunk + 1) * this.geometry.chunkSectors >= needFromSector;
      this.counters[chunk] = needed ? COUNTER_NEEDED | 2 : 2;
      this.markIdle(chunk);
    }
  }

  private noteOnDisk(page: number): void {
    const from = Math.max(0, page * BITS_PER_PAGE - BITMAP_SUPERBLOCK_BITS);
    const to = Math.min(this.geometry.chunks, (page + 1) * BITS_PER_PAGE - BITMAP_SUPERBLOCK_BITS);
    let bits = 0;
    for (let chunk = from; chunk < to; chunk++) bits += this.bit(chunk);
    this.bitsOnDisk[page] = bits;
  }

  private markIdle(chunk: number): void {
    this.counterPagePending[Math.floor(chunk / COUNTERS_PER_PAGE)] = 1;
    this.allClean = false;
  }

  private list(page: number, index: number): number {
    this.pages.page[index] = page;
    this.pages.offsetBytes[index] = pageSector(this.geometry, this.slot, page) * SECTOR_BYTES;
    this.pages.lengthBytes[index] = pageWriteBytes(this.geometry, this.slot, page);
    return index + 1;
  }

  private chunksOf(event: number): [number, number] {
    const sector = this.ring.sector[event] ?? 0;
    const sectors = this.ring.sectors[event] ?? 0;
    if (sectors < 1 || sector + sectors > this.geometry.syncSizeSectors) {
      throw writeBeyondArray(this.geometry, sector, sectors);
    }
    return [
      Math.floor(sector / this.geometry.chunkSectors),
      Math.floor((sector + sectors - 1) / this.geometry.chunkSectors),
    ];
  }

  private setBit(chunk: number): void {
    const bit = chunk + BITMAP_SUPERBLOCK_BITS;
    const byte = Math.floor(bit / 8);
    this.image[byte] = (this.image[byte] ?? 0) | (1 << (bit & 7));
    if (!this.bitAttributesLost) this.dirty[Math.floor(bit / BITS_PER_PAGE)] = 1;
  }

  private bit(chunk: number): number {
    return bitOf(this.image, chunk);
  }

  private word(chunk: number): number {
    return this.counters[chunk] ?? 0;
  }
}

function bitOf(image: Uint8Array, chunk: number): number {
  const bit = chunk + BITMAP_SUPERBLOCK_BITS;
  return ((image[Math.floor(bit / 8)] ?? 0) >> (bit & 7)) & 1;
}
