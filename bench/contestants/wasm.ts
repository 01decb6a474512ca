/** slotmark's own hot path. */
import { fileURLToPath } from "node:url";
import {
  configureArguments,
  type HotpathExports,
  instantiateHotpath,
} from "../../src/bitmap/hotpath-module.js";
import { memoryLayout } from "../../src/bitmap/memory-layout.js";
import { createWasmBitmap, type WasmBitmap } from "../../src/bitmap/wasm.js";
import type { WorkloadKind } from "../../src/bitmap/workload.js";
import {
  BATCH,
  bitmap,
  CHUNKS,
  DIGEST_START,
  DIRTY_PAGES,
  digest,
  dirtyPages,
  EVENTS,
  geometryOf,
  largeBitmap,
  PAGES,
  passesRun,
  ranges,
  SCAN_BITS,
  WORKLOAD,
  writesRun,
} from "../fixtures.js";
import type { Contestant, Run } from "../kernels.js";

/** `bench/assembly/kernels.ts` beyond the hot path. */
interface BenchExports extends HotpathExports {
  finishList(listed: number): number;
  setBits(bits: number, chunks: number, count: number): void;
  fillMasks(): void;
  setRanges(bits: number, ranges: number, count: number): void;
  orBits(target: number, source: number, bytes: number): void;
  markDirty(pages: number, count: number): void;
}

const MODULE_PATH = fileURLToPath(new URL("../../../build/bench-kernels.wasm", import.meta.url));

function benchSlot(chunks: number) {
  const geometry = geometryOf(chunks);
  const layout = memoryLayout({ geometry, ringCapacity: EVENTS, payloadBytes: CHUNKS / 8 });
  const { exports, buffer } = instantiateHotpath(layout, MODULE_PATH);
  const hot = exports as BenchExports;
  hot.configure(...configureArguments(geometry, 0, layout));
  return { layout, hot, buffer };
}

/** A bitset at the payload, which the kernels on plain bits use as they like; input at the image. */
function plainBits(input: NodeJS.TypedArray<ArrayBuffer>) {
  const slot = benchSlot(CHUNKS);
  new Uint8Array(slot.buffer, slot.layout.image).set(new Uint8Array(input.buffer));
  return {
    hot: slot.hot,
    input: slot.layout.image,
    bits: slot.layout.payload,
    bytes: new Uint8Array(slot.buffer, slot.layout.payload, CHUNKS / 8),
  };
}

function wasmSlot(): WasmBitmap {
  return createWasmBitmap({ geometry: geometryOf(CHUNKS), slot: 0, ringCapacity: EVENTS });
}

function bytesOf(set: number): Uint8Array {
  return new Uint8Array(bitmap(2, set).buffer);
}

function slotWithBits(bits: Uint8Array): WasmBitmap {
  const slot = createWasmBitmap({ geometry: geometryOf(8 * bits.length), slot: 0, ringCapacity: EVENTS });
  slot.image.set(bits, 256);
  return slot;
}

function scan(bits: Uint8Array): Run {
  const slot = slotWithBits(bits);
  return {
    run: () => slot.forDirtyChunks(() => {}),
    digest() {
      let hash = DIGEST_START;
      slot.forDirtyChunks((chunks) => {
        hash = digest(chunks, hash);
      });
      return hash;
    },
  };
}

function pages(marks: number): Run {
  const { layout, hot, buffer } = benchSlot(PAGES * 32768 - 2048);
  new Uint32Array(buffer, layout.scratch, marks).set(dirtyPages(marks));
  let listed = 0;
  return {
    run() {
      hot.markDirty(layout.scratch, marks);
      listed = hot.unplug();
    },
    digest: () =>
      digest(
        new Float64Array(buffer, layout.listOffset, listed),
        digest(new Uint32Array(buffer, layout.listPage, listed)),
      ),
  };
}

function generate(kind: WorkloadKind): Run {
  const slot = wasmSlot();
  slot.configureWorkload({ ...WORKLOAD, kind });
  return {
    run() {
      for (let first = 0; first < EVENTS; first += BATCH) slot.generate(first, BATCH, 1);
    },
    digest: () => digest(slot.ring.sectors, digest(slot.ring.sector)),
  };
}

export const wasm: Contestant = {
  "set-bit": () => {
    const { hot, input, bits, bytes } = plainBits(Uint32Array.from(ranges(1), ({ first }) => first));
    bytes.fill(0);
    return { run: () => hot.setBits(bits, input, EVENTS), digest: () => digest(bytes) };
  },
  "set-range": () => {
    const { hot, input, bits, bytes } = plainBits(
      Uint32Array.from(ranges(64).flatMap(({ first, length }) => [first, length])),
    );
    bytes.fill(0);
    hot.fillMasks();
    return { run: () => hot.setRanges(bits, input, EVENTS), digest: () => digest(bytes) };
  },
  "merge-or": () => {
    const { hot, input, bits, bytes } = plainBits(bitmap(3, 10485));
    bytes.set(new Uint8Array(bitmap(2, 10485).buffer));
    return { run: () => hot.orBits(bits, input, CHUNKS / 8), digest: () => digest(bytes) };
  },
  popcount: () => {
    const slot = slotWithBits(bytesOf(CHUNKS / 2));
    let count = 0;
    return {
      run() {
        count = slot.countDirtyChunks();
      },
      digest: () => count,
    };
  },
  "scan-0.01": () => scan(bytesOf(SCAN_BITS["scan-0.01"])),
  "scan-1": () => scan(bytesOf(SCAN_BITS["scan-1"])),
  "scan-1-large": () => scan(largeBitmap(SCAN_BITS["scan-1"])),
  "scan-50": () => scan(bytesOf(SCAN_BITS["scan-50"])),
  "writes-one": () => writesRun(wasmSlot(), 1),
  "writes-many": () => writesRun(wasmSlot(), 64),
  passes: () => passesRun(wasmSlot()),
  offsets: () => {
    const { layout, hot, buffer } = benchSlot(PAGES * 32768 - 2048);
    new Uint32Array(buffer, layout.listPage, PAGES).set(
      Uint32Array.from({ length: PAGES }, (_, page) => page),
    );
    return {
      run: () => {
        hot.finishList(PAGES);
      },
      digest: () => digest(new Float64Array(buffer, layout.listOffset, PAGES)),
    };
  },
  "pages-0.1": () => pages(DIRTY_PAGES["pages-0.1"]),
  "pages-5": () => pages(DIRTY_PAGES["pages-5"]),
  "pages-50": () => pages(DIRTY_PAGES["pages-50"]),
  "generate-uniform": () => generate("uniform"),
  "generate-zipf": () => generate("zipf"),
};
