/** What one writes without a thought of speed; for a slot's own kernels that is the plain definition. */
import { ReferenceBitmap } from "../../src/bitmap/reference.js";
import { Workload, type WorkloadKind } from "../../src/bitmap/workload.js";
import {
  BATCH,
  bitmap,
  CHUNKS,
  DIRTY_PAGES,
  digest,
  dirtyPages,
  EVENTS,
  FIRST_PAGE_OFFSET_BYTES,
  geometryOf,
  PAGES,
  passesRun,
  ranges,
  SCAN_BITS,
  WORKLOAD,
  writesRun,
} from "../fixtures.js";
import type { Contestant, Run } from "../kernels.js";

const BITS_OF_BYTE = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll("0", "").length,
);

class Bits {
  constructor(readonly bytes = new Uint8Array(CHUNKS / 8)) {}

  has(bit: number): boolean {
    return (((this.bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  }

  add(bit: number): void {
    const byte = bit >> 3;
    this.bytes[byte] = (this.bytes[byte] ?? 0) | (1 << (bit & 7));
  }

  union(other: Bits): void {
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i] = (this.bytes[i] ?? 0) | (other.bytes[i] ?? 0);
  }

  count(): number {
    let count = 0;
    for (let i = 0; i < this.bytes.length; i++) count += BITS_OF_BYTE[this.bytes[i] ?? 0] ?? 0;
    return count;
  }

  find(): number[] {
    const found: number[] = [];
    for (let byte = 0; byte < this.bytes.length; byte++) {
      if (this.bytes[byte] === 0) continue;
      for (let bit = byte * 8; bit < byte * 8 + 8; bit++) if (this.has(bit)) found.push(bit);
    }
    return found;
  }
}

function bitsOf(words: Uint32Array<ArrayBuffer>): Bits {
  return new Bits(new Uint8Array(words.buffer));
}

function scan(set: number): Run {
  const bits = bitsOf(bitmap(2, set));
  let found: number[] = [];
  return {
    run() {
      found = bits.find();
    },
    digest: () => digest(Uint32Array.from(found)),
  };
}

function place(pages: readonly number[]): { offsetBytes: number }[] {
  return pages.map((page) => ({ offsetBytes: FIRST_PAGE_OFFSET_BYTES + page * 4096 }));
}

function digestOfPlaces(places: readonly { offsetBytes: number }[], start?: number): number {
  return digest(
    Float64Array.from(places, ({ offsetBytes }) => offsetBytes),
    start,
  );
}

function pages(count: number): Run {
  const marks = dirtyPages(count);
  const attributes = Array.from({ length: PAGES }, () => ({
    dirty: false,
    pending: false,
    needWrite: false,
  }));
  let listed: number[] = [];
  let places: { offsetBytes: number }[] = [];
  return {
    run() {
      for (const mark of marks) {
        const page = attributes[mark];
        if (page !== undefined) page.dirty = true;
      }
      listed = [];
      attributes.forEach((page, index) => {
        if (!page.dirty && !page.needWrite) return;
        page.dirty = false;
        page.needWrite = false;
        page.pending = false;
        listed.push(index);
      });
      places = place(listed);
    },
    digest: () => digestOfPlaces(places, digest(Uint32Array.from(listed))),
  };
}

function generate(kind: WorkloadKind): Run {
  const workload = new Workload(geometryOf(CHUNKS), { ...WORKLOAD, kind });
  const ring = { capacity: EVENTS, sector: new Float64Array(EVENTS), sectors: new Uint32Array(EVENTS) };
  return {
    run() {
      for (let first = 0; first < EVENTS; first += BATCH) workload.generate(ring, first, BATCH, 1);
    },
    digest: () => digest(ring.sectors, digest(ring.sector)),
  };
}

function plainSlot(): ReferenceBitmap {
  return new ReferenceBitmap(geometryOf(CHUNKS), 0, EVENTS);
}

export const plain: Contestant = {
  "set-bit": () => {
    const bits = new Bits();
    const events = ranges(1);
    return {
      run() {
        for (const { first } of events) bits.add(first);
      },
      digest: () => digest(bits.bytes),
    };
  },
  "set-range": () => {
    const bits = new Bits();
    const events = ranges(64);
    return {
      run() {
        for (const { first, length } of events)
          for (let bit = first; bit < first + length; bit++) bits.add(bit);
      },
      digest: () => digest(bits.bytes),
    };
  },
  "merge-or": () => {
    const target = bitsOf(bitmap(2, 10485));
    const source = bitsOf(bitmap(3, 10485));
    return { run: () => target.union(source), digest: () => digest(target.bytes) };
  },
  popcount: () => {
    const bits = bitsOf(bitmap(2, CHUNKS / 2));
    let count = 0;
    return {
      run() {
        count = bits.count();
      },
      digest: () => count,
    };
  },
  "scan-0.01": () => scan(SCAN_BITS["scan-0.01"]),
  "scan-1": () => scan(SCAN_BITS["scan-1"]),
  "scan-50": () => scan(SCAN_BITS["scan-50"]),
  "writes-one": () => writesRun(plainSlot(), 1),
  "writes-many": () => writesRun(plainSlot(), 64),
  passes: () => passesRun(plainSlot()),
  offsets: () => {
    const listed = Array.from({ length: PAGES }, (_, page) => page);
    let places: { offsetBytes: number }[] = [];
    return {
      run() {
        places = place(listed);
      },
      digest: () => digestOfPlaces(places),
    };
  },
  "pages-0.1": () => pages(DIRTY_PAGES["pages-0.1"]),
  "pages-5": () => pages(DIRTY_PAGES["pages-5"]),
  "pages-50": () => pages(DIRTY_PAGES["pages-50"]),
  "generate-uniform": () => generate("uniform"),
  "generate-zipf": () => generate("zipf"),
};
