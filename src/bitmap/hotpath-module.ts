/** The one WASM boundary: `assembly/index.ts` as TypeScript sees it, compiled once a thread. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SlotmarkError } from "../errors.js";
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

let compiled: WebAssembly.Module | undefined;

/** From `dist/src/bitmap/`. */
const MODULE_PATH = fileURLToPath(new URL("../../../build/hotpath.wasm", import.meta.url));

function compiledModule(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(MODULE_PATH);
  } catch (error) {
    throw new SlotmarkError(
      "usage",
      "hotpath-missing",
      `${MODULE_PATH} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      "run npm run build",
    );
  }
  compiled = new WebAssembly.Module(bytes);
  return compiled;
}

/** @throws SlotmarkError `memory-refused`, `hotpath-missing` */
export function instantiateHotpath(layout: MemoryLayout): Hotpath {
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
  const instance = new WebAssembly.Instance(compiledModule(), { env: { memory, abort } });
  return { exports: instance.exports as HotpathExports, buffer: memory.buffer };
}
