/** Inputs and digests, the same as in `bench/native/src/fixtures.rs`. */
import type { SlotBitmap } from "../src/bitmap/slot-bitmap.js";
import type { WorkloadOptions } from "../src/bitmap/workload.js";
import { type SlotGeometry, slotGeometry } from "../src/ondisk/slot-geometry.js";

/** Chunks of every bitmap here: 128 KiB of bits, which stay in the second-level cache. */
export const CHUNKS = 2 ** 20;
export const CHUNK_SECTORS = 128;
/** Events of a run, in calls of `BATCH`. */
export const EVENTS = 4096;
export const BATCH = 256;
export const PAGES = 8192;
export const FIRST_PAGE_OFFSET_BYTES = 8192;

/** splitmix32. */
export class Random {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.next() * limit) / 2 ** 32);
  }
}

export const DIGEST_START = 0x811c9dc5;

/** FNV-1a. */
export function digest(values: NodeJS.TypedArray, start = DIGEST_START): number {
  let hash = start;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/** First chunk and length of every event; lengths are 1 to `longest`. */
export function ranges(longest: number): { first: number; length: number }[] {
  const random = new Random(1);
  return Array.from({ length: EVENTS }, () => {
    const length = 1 + random.below(longest);
    return { first: random.below(CHUNKS - longest), length };
  });
}

/** A bitmap with `set` draws of a random bit, or all bits drawn evenly where `set` is half of them. */
export function bitmap(seed: number, set: number): Uint32Array<ArrayBuffer> {
  const random = new Random(seed);
  const words = new Uint32Array(CHUNKS / 32);
  if (set >= CHUNKS / 2) return words.map(() => random.next());
  for (let i = 0; i < set; i++) {
    const bit = random.below(CHUNKS);
    words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
  return words;
}

/** A large bitmap is made of so many others: more than a processor learns by heart. */
export const LARGE_BITMAPS = 64;

export function largeBitmap(set: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((LARGE_BITMAPS * CHUNKS) / 8);
  for (let i = 0; i < LARGE_BITMAPS; i++)
    bytes.set(new Uint8Array(bitmap(2 + i, set).buffer), (i * CHUNKS) / 8);
  return bytes;
}

export function setBitsOf(words: Uint32Array): number[] {
  const found: number[] = [];
  words.forEach((word, index) => {
    for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) found.push(index * 32 + bit);
  });
  return found;
}

/** Bits set by the densities that the kernels' names state. */
export const SCAN_BITS = { "scan-0.01": 104, "scan-1": 10485, "scan-50": CHUNKS / 2 } as const;
export const DIRTY_PAGES = { "pages-0.1": 8, "pages-5": 410, "pages-50": 4096 } as const;

export function dirtyPages(count: number): Uint32Array<ArrayBuffer> {
  const random = new Random(5);
  return Uint32Array.from({ length: count }, () => random.below(PAGES));
}

/** A slot whose page p lies at FIRST_PAGE_OFFSET_BYTES + p × 4096. */
export function geometryOf(chunks: number): SlotGeometry {
  return slotGeometry({
    syncSizeSectors: chunks * CHUNK_SECTORS,
    chunkBytes: CHUNK_SECTORS * 512,
    nodes: 2,
    superOffsetSectors: 8,
    bitmapOffsetSectors: 8,
    dataOffsetSectors: 2 ** 30,
    logicalBlockBytes: 512,
    variant: "mainline",
  });
}

export const WORKLOAD: Omit<WorkloadOptions, "kind"> = {
  seed: 1,
  writeBytes: 4096,
  workingSetBytes: CHUNKS * CHUNK_SECTORS * 512,
  node: 0,
  nodes: 1,
  overlap: false,
};

export function fillRing(bitmap: SlotBitmap, longest: number): void {
  ranges(longest).forEach(({ first, length }, i) => {
    bitmap.ring.sector[i] = first * CHUNK_SECTORS;
    bitmap.ring.sectors[i] = length * CHUNK_SECTORS;
  });
}

/** Image, counters and the `listed` pages of the list. */
export function digestOfSlot(
  image: Uint8Array,
  counter: (chunk: number) => number,
  list: Uint32Array,
): number {
  const counters = Uint16Array.from({ length: CHUNKS }, (_, chunk) => counter(chunk));
  return digest(list, digest(counters, digest(image)));
}

/** The two kernels on a whole slot, for everything that implements the interface. */
export function writesRun(bitmap: SlotBitmap, longest: number): { run(): void; digest(): number } {
  fillRing(bitmap, longest);
  return {
    run() {
      for (let first = 0; first < EVENTS; first += BATCH) bitmap.startWrites(first, BATCH);
      for (let first = 0; first < EVENTS; first += BATCH) bitmap.endWrites(first, BATCH, false);
    },
    digest: () => digestOfSlot(bitmap.image, (chunk) => bitmap.counter(chunk), new Uint32Array()),
  };
}

export function passesRun(bitmap: SlotBitmap): { run(): void; digest(): number } {
  fillRing(bitmap, 1);
  let listed = 0;
  return {
    run() {
      bitmap.startWrites(0, BATCH);
      bitmap.unplug();
      bitmap.endWrites(0, BATCH, false);
      for (let pass = 0; pass < 3; pass++) listed = bitmap.daemonPass();
    },
    digest: () =>
      digestOfSlot(bitmap.image, (chunk) => bitmap.counter(chunk), bitmap.pages.page.slice(0, listed)),
  };
}
