/** JavaScript by somebody who knows the engine: typed arrays, words, no allocation, no objects in loops. */
import { seedLanes } from "../../src/bitmap/random-lanes.js";
import { planWorkload } from "../../src/bitmap/workload.js";
import { COIN_BITS } from "../../src/bitmap/zipf.js";
import {
  BATCH,
  bitmap,
  CHUNK_SECTORS,
  CHUNKS,
  DIRTY_PAGES,
  digest,
  digestOfSlot,
  dirtyPages,
  EVENTS,
  FIRST_PAGE_OFFSET_BYTES,
  geometryOf,
  largeBitmap,
  PAGES,
  ranges,
  SCAN_BITS,
  WORKLOAD,
} from "../fixtures.js";
import type { Contestant, Run } from "../kernels.js";

const WORDS = CHUNKS / 32;
const CHUNK_SHIFT = Math.log2(CHUNK_SECTORS);
const SLOT_PAGES = Math.ceil((CHUNKS + 2048) / 32768);

function popcount(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function scan(bits: Uint8Array | Uint32Array): Run {
  const words = new Int32Array(bits.buffer);
  const found = new Uint32Array(32 * words.length);
  let count = 0;
  return {
    run() {
      count = 0;
      for (let index = 0; index < words.length; index++) {
        let word = words[index] as number;
        while (word !== 0) {
          found[count++] = (index << 5) + 31 - Math.clz32(word & -word);
          word &= word - 1;
        }
      }
    },
    digest: () => digest(found.slice(0, count)),
  };
}

/** A slot with flat counters. */
class TunedSlot {
  readonly sector = new Float64Array(EVENTS);
  readonly sectors = new Uint32Array(EVENTS);
  readonly image = new Uint8Array(SLOT_PAGES * 4096);
  readonly counters = new Uint16Array(CHUNKS);
  readonly list = new Uint32Array(SLOT_PAGES);
  private readonly words = new Int32Array(this.image.buffer, 256);
  private readonly idle = new Uint8Array(CHUNKS / 2048);
  private readonly dirty = new Uint8Array(SLOT_PAGES);
  private readonly pending = new Uint8Array(SLOT_PAGES);
  private readonly needWrite = new Uint8Array(SLOT_PAGES);
  private readonly size = CHUNKS * CHUNK_SECTORS;
  private allClean = true;

  constructor(longest: number) {
    ranges(longest).forEach(({ first, length }, i) => {
      this.sector[i] = first * CHUNK_SECTORS;
      this.sectors[i] = length * CHUNK_SECTORS;
    });
  }

  startWrites(first: number, count: number): number {
    const { sector, sectors, counters, words, dirty, size } = this;
    for (let i = first; i < first + count; i++) {
      const start = sector[i] as number;
      const end = start + (sectors[i] as number);
      if (end > size || end === start) return i - first;
      const to = ((end - 1) >>> CHUNK_SHIFT) | 0;
      for (let chunk = (start >>> CHUNK_SHIFT) | 0; chunk <= to; chunk++) {
        const word = counters[chunk] as number;
        if (word >= 2) counters[chunk] = word + 1;
        else {
          if (word === 0) {
            words[chunk >> 5] = (words[chunk >> 5] as number) | (1 << (chunk & 31));
            dirty[(chunk + 2048) >> 15] = 1;
          }
          counters[chunk] = 3;
        }
      }
    }
    return count;
  }

  endWrites(first: number, count: number): void {
    const { sector, sectors, counters, idle } = this;
    let anyIdle = false;
    for (let i = first; i < first + count; i++) {
      const start = sector[i] as number;
      const to = ((start + (sectors[i] as number) - 1) >>> CHUNK_SHIFT) | 0;
      for (let chunk = (start >>> CHUNK_SHIFT) | 0; chunk <= to; chunk++) {
        const word = (counters[chunk] as number) - 1;
        counters[chunk] = word;
        if (word <= 2) {
          idle[chunk >> 11] = 1;
          anyIdle = true;
        }
      }
    }
    if (anyIdle) this.allClean = false;
  }

  unplug(): number {
    const { dirty, needWrite, pending, list } = this;
    let listed = 0;
    for (let page = 0; page < SLOT_PAGES; page++) {
      if (((dirty[page] as number) | (needWrite[page] as number)) === 0) continue;
      dirty[page] = 0;
      needWrite[page] = 0;
      pending[page] = 0;
      list[listed++] = page;
    }
    return listed;
  }

  daemonPass(): number {
    if (this.allClean) return 0;
    this.allClean = true;
    const { dirty, needWrite, pending, list, idle } = this;
    for (let page = 0; page < SLOT_PAGES; page++) {
      needWrite[page] = (needWrite[page] as number) | (pending[page] as number);
      pending[page] = 0;
    }
    for (let group = 0; group < idle.length; group++) if (idle[group] !== 0) this.age(group);
    let listed = 0;
    for (let page = 0; page < SLOT_PAGES && dirty[page] === 0; page++) {
      if (needWrite[page] === 0) continue;
      needWrite[page] = 0;
      list[listed++] = page;
    }
    return listed;
  }

  private age(group: number): void {
    const { counters, words, idle } = this;
    let stillIdle = 0;
    let cleared = false;
    for (let chunk = group * 2048; chunk < group * 2048 + 2048; chunk++) {
      const word = counters[chunk] as number;
      if (word === 0 || word > 2) continue;
      counters[chunk] = word - 1;
      if (word === 2) stillIdle = 1;
      else {
        words[chunk >> 5] = (words[chunk >> 5] as number) & ~(1 << (chunk & 31));
        cleared = true;
      }
    }
    idle[group] = stillIdle;
    if (stillIdle !== 0) this.allClean = false;
    const page = (group * 2048 + 2048) >> 15;
    if (cleared && this.needWrite[page] === 0) {
      this.pending[page] = 1;
      this.allClean = false;
    }
  }

  digest(listed: number): number {
    return digestOfSlot(this.image, (chunk) => this.counters[chunk] as number, this.list.slice(0, listed));
  }
}

function writes(longest: number): Run {
  const slot = new TunedSlot(longest);
  return {
    run() {
      for (let first = 0; first < EVENTS; first += BATCH) slot.startWrites(first, BATCH);
      for (let first = 0; first < EVENTS; first += BATCH) slot.endWrites(first, BATCH);
    },
    digest: () => slot.digest(0),
  };
}

function pages(count: number): Run {
  const marks = dirtyPages(count);
  const dirty = new Uint8Array(PAGES);
  const pending = new Uint8Array(PAGES);
  const needWrite = new Uint8Array(PAGES);
  const dirtyWords = new Int32Array(dirty.buffer);
  const needWords = new Int32Array(needWrite.buffer);
  const list = new Uint32Array(PAGES);
  const offset = new Float64Array(PAGES);
  let listed = 0;
  return {
    run() {
      for (let i = 0; i < marks.length; i++) dirty[marks[i] as number] = 1;
      listed = 0;
      for (let four = 0; four < PAGES / 4; four++) {
        if (((dirtyWords[four] as number) | (needWords[four] as number)) === 0) continue;
        for (let page = four * 4; page < four * 4 + 4; page++) {
          if (((dirty[page] as number) | (needWrite[page] as number)) === 0) continue;
          pending[page] = 0;
          list[listed] = page;
          offset[listed] = FIRST_PAGE_OFFSET_BYTES + page * 4096;
          listed++;
        }
        dirtyWords[four] = 0;
        needWords[four] = 0;
      }
    },
    digest: () => digest(offset.slice(0, listed), digest(list.slice(0, listed))),
  };
}

function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function generate(kind: "uniform" | "zipf"): Run {
  const plan = planWorkload(geometryOf(CHUNKS), { ...WORKLOAD, kind });
  const { positions, perStripe, firstSector, stripeStep, writeSectors, salt, zipf } = plan;
  const state = Int32Array.from(seedLanes(WORKLOAD.seed, WORKLOAD.node));
  const sector = new Float64Array(EVENTS);
  const sectors = new Uint32Array(EVENTS);
  const inverse = 1 / perStripe;
  const threshold = zipf?.threshold ?? new Uint32Array();
  const alias = zipf?.alias ?? new Uint32Array();
  const first = zipf?.first ?? new Float64Array();
  const size = zipf?.size ?? new Float64Array();

  /** Steps one lane and returns its output. */
  function random(lane: number): number {
    const at = ((lane & 4) << 2) | (lane & 3);
    const s0 = state[at] as number;
    const s1 = state[at + 4] as number;
    const s3 = state[at + 12] as number;
    const sum = (s0 + s3) | 0;
    const s2 = (state[at + 8] as number) ^ s0;
    const s3x = s3 ^ s1;
    state[at + 4] = s1 ^ s2;
    state[at] = s0 ^ s3x;
    state[at + 8] = s2 ^ (s1 << 9);
    state[at + 12] = (s3x << 11) | (s3x >>> 21);
    return (((sum << 7) | (sum >>> 25)) + s0) >>> 0;
  }

  function place(high: number, low: number): number {
    const position = Math.floor((high * 2 ** -32 + (low >>> 12) * 2 ** -52) * positions);
    const stripe = Math.floor(position * inverse);
    return firstSector + stripe * stripeStep + (position - stripe * perStripe) * writeSectors;
  }

  function batchUniform(from: number): void {
    for (let i = from; i < from + BATCH; i++) {
      const lane = (i & 3) * 2;
      const low = random(lane);
      sector[i] = place(random(lane + 1), low);
      sectors[i] = writeSectors;
    }
  }

  function batchZipf(from: number): void {
    for (let i = from; i < from + BATCH; i++) {
      const lane = (i & 3) * 2;
      const inside = random(lane);
      const choice = random(lane + 1);
      let bucket = choice >>> COIN_BITS;
      if ((choice & (2 ** COIN_BITS - 1)) >= (threshold[bucket] as number)) bucket = alias[bucket] as number;
      const rank = (first[bucket] as number) + Math.floor(inside * 2 ** -32 * (size[bucket] as number));
      const high = mix(rank ^ mix(Math.floor(rank * 2 ** -32) ^ salt));
      sector[i] = place(high, mix(high + 0x9e3779b9));
      sectors[i] = writeSectors;
    }
  }

  const batch = kind === "uniform" ? batchUniform : batchZipf;
  return {
    run() {
      for (let from = 0; from < EVENTS; from += BATCH) batch(from);
    },
    digest: () => digest(sectors, digest(sector)),
  };
}

export const tuned: Contestant = {
  "set-bit": () => {
    const words = new Int32Array(WORDS);
    const chunks = Uint32Array.from(ranges(1), ({ first }) => first);
    return {
      run() {
        for (let i = 0; i < EVENTS; i++) {
          const chunk = chunks[i] as number;
          words[chunk >>> 5] = (words[chunk >>> 5] as number) | (1 << (chunk & 31));
        }
      },
      digest: () => digest(words),
    };
  },
  "set-range": () => {
    const words = new Int32Array(WORDS);
    const events = Uint32Array.from(ranges(64).flatMap(({ first, length }) => [first, length]));
    return {
      run() {
        for (let i = 0; i < events.length; i += 2) {
          const first = events[i] as number;
          const last = first + (events[i + 1] as number) - 1;
          const from = -1 << (first & 31);
          const to = -1 >>> (31 - (last & 31));
          const end = last >>> 5;
          let at = first >>> 5;
          if (at === end) {
            words[at] = (words[at] as number) | (from & to);
            continue;
          }
          words[at] = (words[at] as number) | from;
          for (at++; at < end; at++) words[at] = -1;
          words[end] = (words[end] as number) | to;
        }
      },
      digest: () => digest(words),
    };
  },
  "merge-or": () => {
    const target = new Int32Array(bitmap(2, 10485).buffer);
    const source = new Int32Array(bitmap(3, 10485).buffer);
    return {
      run() {
        for (let i = 0; i < WORDS; i++) target[i] = (target[i] as number) | (source[i] as number);
      },
      digest: () => digest(target),
    };
  },
  popcount: () => {
    const words = new Int32Array(bitmap(2, CHUNKS / 2).buffer);
    let count = 0;
    return {
      run() {
        let sum = 0;
        for (let i = 0; i < WORDS; i++) sum += popcount(words[i] as number);
        count = sum;
      },
      digest: () => count,
    };
  },
  "scan-0.01": () => scan(bitmap(2, SCAN_BITS["scan-0.01"])),
  "scan-1": () => scan(bitmap(2, SCAN_BITS["scan-1"])),
  "scan-1-large": () => scan(largeBitmap(SCAN_BITS["scan-1"])),
  "scan-50": () => scan(bitmap(2, SCAN_BITS["scan-50"])),
  "writes-one": () => writes(1),
  "writes-many": () => writes(64),
  passes: () => {
    const slot = new TunedSlot(1);
    let listed = 0;
    return {
      run() {
        slot.startWrites(0, BATCH);
        slot.unplug();
        slot.endWrites(0, BATCH);
        for (let pass = 0; pass < 3; pass++) listed = slot.daemonPass();
      },
      digest: () => slot.digest(listed),
    };
  },
  offsets: () => {
    const list = Uint32Array.from({ length: PAGES }, (_, page) => page);
    const offset = new Float64Array(PAGES);
    return {
      run() {
        for (let i = 0; i < PAGES; i++) {
          offset[i] = FIRST_PAGE_OFFSET_BYTES + (list[i] as number) * 4096;
        }
      },
      digest: () => digest(offset),
    };
  },
  "pages-0.1": () => pages(DIRTY_PAGES["pages-0.1"]),
  "pages-5": () => pages(DIRTY_PAGES["pages-5"]),
  "pages-50": () => pages(DIRTY_PAGES["pages-50"]),
  "generate-uniform": () => generate("uniform"),
  "generate-zipf": () => generate("zipf"),
};
