/** The fast implementation of `SlotBitmap`: one slot in linear memory, from which its pages go to disk as they lie. */
import { SlotmarkError } from "../errors.js";
import { PAGE_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { configureArguments, type HotpathExports, instantiateHotpath } from "./hotpath-module.js";
import { type MemoryLayout, memoryLayout, SCRATCH_BYTES } from "./memory-layout.js";
import {
  type ArrayState,
  type EventRing,
  type PageList,
  type SlotBitmap,
  writeBeyondArray,
} from "./slot-bitmap.js";
import { putEventsCleared, putSuperblock } from "./superblock-fields.js";
import { checkPlug, planWorkload, type WorkloadOptions, type WorkloadPlan } from "./workload.js";
import { ZIPF_BUCKETS } from "./zipf.js";

export interface WasmBitmapOptions {
  readonly geometry: SlotGeometry;
  readonly slot: number;
  /** Events of the ring; default 1024. */
  readonly ringCapacity?: number;
  /** Bytes of random payload for data writes; default 64 KiB. */
  readonly payloadBytes?: number;
}

/** @throws SlotmarkError `bitmap-too-large`, `memory-refused`, `hotpath-missing` */
export function createWasmBitmap(options: WasmBitmapOptions): WasmBitmap {
  return new WasmBitmap(options);
}

const WORKLOAD_KINDS = { uniform: 0, zipf: 1, sequential: 2 } as const;
const RANGES_A_SCAN = SCRATCH_BYTES / 8;
const CHUNKS_A_SCAN = SCRATCH_BYTES / 4;
const MERGE_PAGES = SCRATCH_BYTES / PAGE_BYTES;

export class WasmBitmap implements SlotBitmap {
  readonly geometry: SlotGeometry;
  readonly slot: number;
  readonly ring: EventRing;
  readonly pages: PageList;
  readonly image: Uint8Array;
  /** All of linear memory, page-aligned. */
  readonly memory: Uint8Array;
  readonly imageOffsetBytes: number;
  readonly payloadOffsetBytes: number;
  readonly payloadBytes: number;
  needSync = false;
  eventsCleared = 0;

  private readonly hot: HotpathExports;
  private readonly layout: MemoryLayout;
  private array: ArrayState = { events: 0, degraded: false };
  private plan: WorkloadPlan | undefined;

  constructor({ geometry, slot, ringCapacity = 1024, payloadBytes = 65536 }: WasmBitmapOptions) {
    const layout = memoryLayout({ geometry, ringCapacity, payloadBytes });
    const { exports, buffer } = instantiateHotpath(layout);
    this.geometry = geometry;
    this.slot = slot;
    this.hot = exports;
    this.layout = layout;
    this.memory = new Uint8Array(buffer);
    this.imageOffsetBytes = layout.image;
    this.payloadOffsetBytes = layout.payload;
    this.payloadBytes = payloadBytes;
    this.image = new Uint8Array(buffer, layout.image, geometry.pagesPerSlot * PAGE_BYTES);
    this.ring = {
      capacity: ringCapacity,
      sector: new Float64Array(buffer, layout.ringSector, ringCapacity),
      sectors: new Uint32Array(buffer, layout.ringSectors, ringCapacity),
    };
    this.pages = {
      page: new Uint32Array(buffer, layout.listPage, geometry.pagesPerSlot),
      offsetBytes: new Float64Array(buffer, layout.listOffset, geometry.pagesPerSlot),
      lengthBytes: new Uint32Array(buffer, layout.listLength, geometry.pagesPerSlot),
    };
    exports.configure(...configureArguments(geometry, slot, layout));
    // A device that compresses or drops zeros must not look fast.
    this.hot.fillRandom(layout.payload, payloadBytes, slot + 1);
  }

  get allClean(): boolean {
    return this.hot.isAllClean() !== 0;
  }

  setArrayState(state: ArrayState): void {
    this.array = state;
  }

  startWrites(first: number, count: number): number {
    this.checkRing(first, count);
    const started = this.hot.startWrites(first, count);
    if (started < 0) throw this.beyond(first - 1 - started);
    return started;
  }

  endWrites(first: number, count: number, failed: boolean): void {
    this.checkRing(first, count);
    const missed = failed || (this.geometry.kernel === "mainline" && this.array.degraded);
    const status = this.hot.endWrites(first, count, missed);
    const ended = status < 0 ? -1 - status : count;
    if (ended > 0 && !missed && !this.array.degraded && this.eventsCleared < this.array.events) {
      this.eventsCleared = this.array.events;
      this.needSync = true;
    }
    if (status < 0) throw this.beyond(first + ended);
  }

  unplug(): number {
    return this.hot.unplug();
  }

  daemonPass(): number {
    if (this.allClean) return 0;
    const needSync = this.needSync;
    if (needSync) {
      this.needSync = false;
      putEventsCleared(this.image, this.eventsCleared);
    }
    return this.hot.daemonPass(needSync);
  }

  updateSuperblock(): number {
    this.eventsCleared = Math.min(this.eventsCleared, this.array.events);
    putSuperblock(this.image, this.geometry, this.array.events, this.eventsCleared);
    this.hot.listPage0();
    return 1;
  }

  writeAll(): void {
    this.hot.markAllPages();
  }

  notePagesWritten(count: number): number {
    return this.hot.noteListed(count) >>> 0;
  }

  load(needFromSector: number): void {
    this.forget();
    this.hot.noteAll();
    this.takeCounters(needFromSector);
  }

  loadStale(needFromSector: number): void {
    this.forget();
    this.hot.fillStale();
    this.takeCounters(needFromSector);
  }

  merge(other: Uint8Array): { readonly firstChunk: number; readonly lastChunk: number } | null {
    let firstChunk = -1;
    let lastChunk = -1;
    for (let page = 0; page < this.geometry.pagesPerSlot; page += MERGE_PAGES) {
      const count = Math.min(MERGE_PAGES, this.geometry.pagesPerSlot - page);
      this.memory.set(other.subarray(page * PAGE_BYTES, (page + count) * PAGE_BYTES), this.layout.scratch);
      if (this.hot.mergePages(page, count) === 0) continue;
      if (firstChunk < 0) firstChunk = this.hot.firstMerged.value >>> 0;
      lastChunk = this.hot.lastMerged.value >>> 0;
    }
    return firstChunk < 0 ? null : { firstChunk, lastChunk };
  }

  startSync(sector: number, degraded: boolean): { readonly needed: boolean; readonly sectors: number } {
    const span = this.hot.startSync(sector, degraded);
    return { needed: span < 0, sectors: Math.abs(span) };
  }

  endSync(sector: number, aborted: boolean): number {
    return this.hot.endSync(sector, aborted);
  }

  closeSync(): void {
    this.hot.closeSync();
  }

  countDirtyChunks(): number {
    return this.hot.countDirty() >>> 0;
  }

  dirtyRanges(fromChunk = 0, maxRanges = Number.POSITIVE_INFINITY): [number, number][] {
    const ranges: [number, number][] = [];
    for (let from = fromChunk; from < this.geometry.chunks && ranges.length < maxRanges; ) {
      const wanted = Math.min(RANGES_A_SCAN, maxRanges - ranges.length);
      const found = this.hot.scanRanges(from, wanted) >>> 0;
      const pairs = new Uint32Array(this.memory.buffer, this.layout.scratch, found * 2);
      for (let i = 0; i < found; i++) ranges.push([pairs[i * 2] ?? 0, pairs[i * 2 + 1] ?? 0]);
      if (found < wanted) break;
      from = (ranges.at(-1)?.[1] ?? 0) + 1;
    }
    return ranges;
  }

  counter(chunk: number): number {
    return this.hot.counter(chunk);
  }

  /**
   * Calls `visit` with the numbers of all set chunks, ascending, many at a time; the array is only valid during the call.
   */
  forDirtyChunks(visit: (chunks: Uint32Array) => void): void {
    for (let from = 0; from < this.geometry.chunks; from = this.hot.scannedTo.value >>> 0) {
      const found = this.hot.scanChunks(from, CHUNKS_A_SCAN);
      visit(new Uint32Array(this.memory.buffer, this.layout.scratch, found));
    }
  }

  /** @throws SlotmarkError as `planWorkload` */
  configureWorkload(options: WorkloadOptions): void {
    const plan = planWorkload(this.geometry, options);
    const { layout } = this;
    new Uint32Array(this.memory.buffer, layout.workloadState, 32).set(plan.seeds);
    if (plan.zipf !== undefined) {
      const { threshold, alias, first, size } = plan.zipf;
      new Uint32Array(this.memory.buffer, layout.zipf, ZIPF_BUCKETS).set(threshold);
      new Uint32Array(this.memory.buffer, layout.zipf + ZIPF_BUCKETS * 4, ZIPF_BUCKETS).set(alias);
      new Float64Array(this.memory.buffer, layout.zipf + ZIPF_BUCKETS * 8, ZIPF_BUCKETS).set(first);
      new Float64Array(this.memory.buffer, layout.zipf + ZIPF_BUCKETS * 16, ZIPF_BUCKETS).set(size);
    }
    this.hot.configureWorkload(
      WORKLOAD_KINDS[plan.kind],
      plan.writeSectors,
      plan.positions,
      plan.perStripe,
      plan.firstSector,
      plan.stripeStep,
      plan.salt,
      layout.workloadState,
      layout.zipf,
      layout.taken,
      layout.takenEntries - 1,
    );
    this.plan = plan;
  }

  /**
   * Fills ring events [first, first + count) with the next writes of the workload; each `plug` of them, counted from `first`, are
   * different. The generators make four events at once: a `count` that is no multiple of 4 drops the rest.
   * @throws SlotmarkError `workload-plug`
   */
  generate(first: number, count: number, plug: number): void {
    if (this.plan === undefined) throw defect("generate was called before configureWorkload");
    this.checkRing(first, count);
    checkPlug(this.plan, Math.min(plug, count));
    this.hot.generate(first, count, plug);
  }

  private forget(): void {
    this.hot.forget();
    this.needSync = false;
  }

  private takeCounters(needFromSector: number): void {
    const { chunks, chunkSectors } = this.geometry;
    const neededFrom = Math.ceil(needFromSector / chunkSectors) - 1;
    this.hot.takeCounters(Math.max(0, Math.min(neededFrom, chunks)));
  }

  private checkRing(first: number, count: number): void {
    if (first + count > this.ring.capacity) {
      throw defect(`ring events ${first} to ${first + count - 1} of ${this.ring.capacity} were asked for`);
    }
  }

  private beyond(event: number): SlotmarkError {
    return writeBeyondArray(this.geometry, this.ring.sector[event] ?? 0, this.ring.sectors[event] ?? 0);
  }
}

function defect(message: string): SlotmarkError {
  return new SlotmarkError("defect", "hotpath-misused", message, "report this as a defect of slotmark");
}
