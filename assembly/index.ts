/**
 * What happens to bits: one slot's bitmap in linear memory. `src/bitmap/reference.ts` is the plain definition of every call
 * here; `src/bitmap/wasm.ts` lays out the memory and is the only caller. Nothing allocates, does I/O or knows a clock.
 */
export { configure } from "./layout";
export { startWrites, endWrites, startEvent, endEvent } from "./writes";
export { unplug, listPage0, markAllPages } from "./pages";
export { daemonPass, isAllClean } from "./daemon";
export { forget, fillStale, takeCounters, mergePages, firstMerged, lastMerged } from "./load";
export { startSync, endSync, closeSync } from "./resync";
export { counter } from "./counters";
export { countDirty, noteListed, noteAll, scanRanges, scanChunks, scannedTo } from "./scan";
export { configureWorkload, generate, fillRandom } from "./workload";
