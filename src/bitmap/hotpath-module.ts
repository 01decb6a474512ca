/** The one WASM boundary: `assembly/index.ts` as TypeScript sees it, compiled once a thread. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SlotmarkError } from "../errors.js";
import { pageSector, pageWriteBytes, SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { type MemoryLayout, WASM_PAGE_BYTES } from "./memory-layout.js";

/** See the exported functions of `assembly/` for what each does. */
export interface HotpathExports {
  configure(...layout: number[]): void;
  startWrites(first: number, count: number): number;
  endWrites(first: number, count: number, missed: boolean): number;
  unplug(): number;
  listPage0(): void;
  markAllPages(): void;
  daemonPass(superblockChanged: boolean): number;
  isAllClean(): number;
  forget(): void;
  fillStale(): void;
  takeCounters(neededFrom: number): void;
  mergePages(firstPage: number, count: number): number;
  readonly firstMerged: WebAssembly.Global;
  readonly lastMerged: WebAssembly.Global;
  startSync(sector: number, degraded: boolean): number;
  endSync(sector: number, aborted: boolean): number;
  closeSync(): void;
  counter(chunk: number): number;
  countDirty(): number;
  noteListed(listed: number): number;
  noteAll(): void;
  scanRanges(from: number, maxRanges: number): number;
  scanChunks(from: number, room: number): number;
  readonly scannedTo: WebAssembly.Global;
  configureWorkload(...plan: number[]): void;
  generate(first: number, count: number, plug: number): void;
  fillRandom(at: number, bytes: number, seed: number): void;
}

export interface Hotpath {
  readonly exports: HotpathExports;
  readonly buffer: ArrayBuffer;
}

/** From `dist/src/bitmap/`. */
const MODULE_PATH = fileURLToPath(new URL("../../../build/hotpath.wasm", import.meta.url));

const compiled = new Map<string, WebAssembly.Module>();

function compiledModule(path: string): WebAssembly.Module {
  const known = compiled.get(path);
  if (known !== undefined) return known;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new SlotmarkError(
      "usage",
      "hotpath-missing",
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      "run npm run build",
    );
  }
  const module = new WebAssembly.Module(bytes);
  compiled.set(path, module);
  return module;
}

/**
 * A module's instance in memory of its own; `path` is the hot path unless a benchmark adds to it.
 * @throws SlotmarkError `memory-refused`, `hotpath-missing`
 */
export function instantiateHotpath(layout: MemoryLayout, path = MODULE_PATH): Hotpath {
  const pages = layout.totalBytes / WASM_PAGE_BYTES;
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    throw new SlotmarkError(
      "input",
      "memory-refused",
      `the system refused to reserve ${layout.totalBytes} bytes of memory for one slot: ${error instanceof Error ? error.message : String(error)}`,
      "use a larger --chunk or fewer nodes, or raise the limit on virtual memory (ulimit -v, vm.overcommit_memory)",
    );
  }
  const abort = () => {
    throw new Error("the WASM hot path aborted");
  };
  const instance = new WebAssembly.Instance(compiledModule(path), { env: { memory, abort } });
  return { exports: instance.exports as HotpathExports, buffer: memory.buffer };
}

/** What `configure` of `assembly/layout.ts` takes. */
export function configureArguments(geometry: SlotGeometry, slot: number, layout: MemoryLayout): number[] {
  // The first patches lose what bits do to page attributes above slot 0 (spec §2.4 S7).
  const lost = geometry.variant === "original" && slot > 0;
  return [
    geometry.syncSizeSectors,
    Math.log2(geometry.chunkSectors),
    geometry.chunks,
    geometry.pagesPerSlot,
    pageSector(geometry, slot, 0) * SECTOR_BYTES,
    pageWriteBytes(geometry, slot, geometry.pagesPerSlot - 1),
    layout.image,
    layout.ringSector,
    layout.ringSectors,
    layout.listPage,
    layout.listOffset,
    layout.listLength,
    layout.dirty,
    layout.pending,
    layout.needWrite,
    layout.listable,
    layout.ageing,
    lost ? layout.lost : layout.dirty,
    lost ? layout.lost : layout.pending,
    lost ? layout.clear : layout.needWrite,
    layout.bitsOnDisk,
    layout.counterTable,
    layout.counterPending,
    layout.counterPool,
    layout.positions,
    layout.scratch,
  ];
}
