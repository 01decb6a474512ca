/**
 * A scripted workload in virtual time: which bitmap pages does it cause to be written, where, when and why? The same script gives the
 * same answer on every machine.
 */
import { createWasmBitmap } from "../bitmap/wasm.js";
import { replayEvents } from "./event-replay.js";
import type { PageWrite } from "./page-write.js";
import type { ReplayScript } from "./script.js";
import { type BitmapFactory, type ReplayOptions, VirtualArray } from "./virtual-array.js";
import { replayWrites } from "./write-replay.js";

/**
 * Page writes in the order in which they are issued, made as they are asked for. The script has passed `readScript`.
 */
export function replayScript(script: ReplayScript, options: ReplayOptions = {}): Iterable<PageWrite> {
  const array = new VirtualArray(script, options.createBitmap ?? wasmBitmap, options);
  // Made before the first write is asked for: what does not fit in memory is refused before anything is put out.
  const { writes = [], wakes = [], stops = [], events = [] } = script;
  for (const list of [writes, wakes, stops, events]) for (const { node } of list) array.node(node);
  return script.events === undefined ? replayWrites(script, array) : replayEvents(script, array);
}

/** A replay asks about one write at a time and writes no data. */
const wasmBitmap: BitmapFactory = (geometry, slot) =>
  createWasmBitmap({ geometry, slot, ringCapacity: 1, payloadBytes: 0 });
