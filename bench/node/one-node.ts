/**
 * One node of a run, in this thread, for a number of plugs: events, counters, bits and writes as in a trial, with latencies
 * recorded from the first plug.
 */
import { createWasmBitmap } from "../../src/bitmap/wasm.js";
import { Control } from "../../src/cluster/control.js";
import { GeneratedWrites } from "../../src/cluster/generated-writes.js";
import { Node } from "../../src/cluster/node.js";
import type { NodeTask } from "../../src/cluster/node-task.js";
import { SECTOR_BYTES, type SlotGeometry, slotGeometry } from "../../src/ondisk/slot-geometry.js";
import { monotonicNs } from "../../src/storage/monotonic.js";
import { openPageWriter } from "../../src/storage/open-page-writer.js";
import type { PageWriter, PageWriterOptions } from "../../src/storage/page-writer.js";
import type { Cost } from "../interleave.js";
import { benchMembers } from "./bench-member.js";

export interface NodeWork {
  readonly paths: readonly string[];
  readonly geometry: SlotGeometry;
  readonly workingSetBytes: number;
  readonly writeBytes: number;
  readonly plug: number;
  readonly plugs: number;
  readonly durability: NodeTask["durability"];
  /** So long that no pass comes: the same seed then gives the same writes. */
  readonly daemonSleepNs: number;
}

export const HOUR_NS = 3_600_000_000_000;
const SUPERBLOCK_SECTOR = 8;
const FIRST_SLOT_OFFSET_SECTORS = 8;

/** An array of its own size and chunk whose slots lie in front of the data, as on a member that a run makes. */
export function benchGeometry(arrayBytes: number, chunkBytes: number, nodes: number): SlotGeometry {
  const pages = Math.ceil((arrayBytes / chunkBytes / 8 + 256) / 4096);
  const mebibyteSectors = 2048;
  const slotsEnd = SUPERBLOCK_SECTOR + FIRST_SLOT_OFFSET_SECTORS + nodes * pages * 8;
  return slotGeometry({
    syncSizeSectors: arrayBytes / SECTOR_BYTES,
    chunkBytes,
    nodes,
    superOffsetSectors: SUPERBLOCK_SECTOR,
    bitmapOffsetSectors: FIRST_SLOT_OFFSET_SECTORS,
    dataOffsetSectors: Math.ceil(slotsEnd / mebibyteSectors) * mebibyteSectors,
    logicalBlockBytes: SECTOR_BYTES,
  });
}

/** Length that a member needs for it. */
export function memberBytes(geometry: SlotGeometry): number {
  return (geometry.dataOffsetSectors + geometry.syncSizeSectors) * SECTOR_BYTES;
}

function generatedWrites({ writeBytes, workingSetBytes }: NodeWork, node: number, nodes: number) {
  return {
    kind: "generated",
    workload: { kind: "uniform", seed: 1, writeBytes, workingSetBytes, node, nodes, overlap: false },
    writesBeforeRepeat: null,
    ratePerSecond: null,
  } as const;
}

/** What one of several nodes is asked to do; without a warm-up. */
export function nodeTask(work: NodeWork, slot: number, nodes: number): Omit<NodeTask, "control"> {
  const { paths, geometry, plug, durability, daemonSleepNs } = work;
  return {
    slot,
    geometry,
    members: benchMembers(paths, geometry),
    events: 1,
    degraded: false,
    writes: generatedWrites(work, slot, nodes),
    plug,
    depth: 0,
    bitmap: true,
    phase: "steady",
    io: "uring",
    durability,
    dataSync: false,
    daemonSleepNs,
    warmupNs: 0,
    settleLimitNs: 0,
    traced: false,
  };
}

export interface OneNode {
  /** From a clean slot on, so that each run makes the same writes as long as no pass comes; @returns per application write */
  run(): Cost;
  close(): void;
}

/** @param open the writer that the node gets; default that of a run */
export function openOneNode(
  work: NodeWork,
  open: (options: PageWriterOptions) => PageWriter = (options) => openPageWriter("uring", options),
): OneNode {
  const task = nodeTask(work, 0, 1);
  const bitmap = createWasmBitmap({ geometry: work.geometry, slot: 0, payloadBytes: work.writeBytes });
  const writer = open({
    members: task.members,
    memory: bitmap.memory,
    imageOffsetBytes: bitmap.imageOffsetBytes,
    imageBytes: bitmap.image.byteLength,
    payloadOffsetBytes: bitmap.payloadOffsetBytes,
    payloadBytes: work.writeBytes,
    depth: task.depth,
    durability: task.durability,
    dataSync: task.dataSync,
  });
  return {
    run() {
      bitmap.image.fill(0);
      bitmap.load(0);
      const source = new GeneratedWrites(generatedWrites(work, 0, 1), bitmap, work.plug);
      const control = Control.forMembers(task.members.length);
      const counting = stopAfter(work.plugs, writer, control);
      const node = new Node({ ...task, control: control.buffer }, bitmap, counting, control, source);
      control.measure(monotonicNs(), Number.POSITIVE_INFINITY);
      const cpuBefore = process.cpuUsage();
      const startNs = monotonicNs();
      node.run();
      const elapsedNs = monotonicNs() - startNs;
      const { user, system } = process.cpuUsage(cpuBefore);
      node.close();
      const writes = work.plugs * work.plug;
      return { perSecond: (writes * 1e9) / elapsedNs, cpuNsEach: ((user + system) * 1000) / writes };
    },
    close: () => writer.close(),
  };
}

function stopAfter(plugs: number, writer: PageWriter, control: Control): PageWriter {
  let plug = 0;
  return {
    ...writer,
    writeData(events, first, count, completedNs) {
      plug++;
      if (plug === plugs) control.stop();
      return writer.writeData(events, first, count, completedNs);
    },
  };
}
