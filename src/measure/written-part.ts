/**
 * What trials write of an array's data area, so that just that is primed: the working set, or only the blocks that the generated
 * writes touch. In the latter case a node's writes begin anew after some daemon periods; by then the bits of the first ones have
 * long been cleared, so that to the bitmap the stream is as good as one that never ends.
 */
import { Workload, type WorkloadOptions } from "../bitmap/workload.js";
import { SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { percentOf } from "../scenario/percentage.js";
import type { AddDiskScenario, BitmapScenario, RecoveryScenario, WorkingSet } from "../scenario/schema.js";
import { isTrace } from "../scenario/trace-workload.js";
import { TouchedBlocks } from "../storage/touched-blocks.js";

export type WrittenPart =
  /** From the start of the data area; null: all of it. */
  | { readonly kind: "range"; readonly lengthBytes: number | null }
  /** Parts of one name are the same blocks. */
  | { readonly kind: "blocks"; readonly name: string; readonly blocks: () => TouchedBlocks };

/** A bit is set for 10 to 15 s at a daemon sleep of 5 s (spec §3.5): three periods; twice that is long enough. */
const PERIODS_BEFORE_REPEAT = 6;
/** In closed loop nobody knows the rate; 256 MiB of 4 KiB writes for the whole cluster. */
const CLOSED_LOOP_WRITES = 65_536;
/** The generators fill rings of so many writes, of which whole plugs are used. */
const RING_WRITES = 1024;

/** Writes of one node before its generator begins anew: whole rings, so that it does so where the ring is filled. */
export function writesBeforeRepeat(
  nodes: number,
  ratePerSecond: number | null,
  daemonSleepMs: number,
): number {
  const writes =
    ratePerSecond === null
      ? CLOSED_LOOP_WRITES
      : (ratePerSecond * PERIODS_BEFORE_REPEAT * daemonSleepMs) / 1000;
  return Math.ceil(writes / nodes / RING_WRITES) * RING_WRITES;
}

/** The blocks of the first `writes` writes of every workload, in the plugs in which a node draws them. */
export function touchedBlocks(
  geometry: SlotGeometry,
  workloads: readonly WorkloadOptions[],
  writes: number,
  plug: number,
): TouchedBlocks {
  const touched = new TouchedBlocks();
  const ring = {
    capacity: RING_WRITES,
    sector: new Float64Array(RING_WRITES),
    sectors: new Uint32Array(RING_WRITES),
  };
  for (const options of workloads) {
    const workload = new Workload(geometry, options);
    for (let done = 0; done < writes; done += RING_WRITES) {
      workload.generate(ring, 0, RING_WRITES, plug);
      for (let event = 0; event < RING_WRITES; event++) {
        touched.add((ring.sector[event] ?? 0) * SECTOR_BYTES, (ring.sectors[event] ?? 0) * SECTOR_BYTES);
      }
    }
  }
  return touched;
}

/** What a scenario writes of a member's data area at the least, as far as that is known beforehand. */
export function leastWrittenBytes(scenario: BitmapScenario | AddDiskScenario | RecoveryScenario): number {
  const { sizeBytes } = scenario;
  if (scenario.kind !== "bitmap") return Math.min(scenario.workingSetBytes ?? sizeBytes, sizeBytes);
  // What traces write is theirs to say.
  if (scenario.workload.every(isTrace)) return 0;
  const largest = Math.max(...scenario.workingSet.map((part) => workingSetBytes(part, sizeBytes)));
  if (scenario.priming === "workingSet") return largest;
  return Math.min(largest, CLOSED_LOOP_WRITES * Math.min(...scenario.writeBytes));
}

/** A part of an array in bytes, whole blocks of 4 KiB. */
export function workingSetBytes(workingSet: WorkingSet, arrayBytes: number): number {
  if (workingSet === "all") return arrayBytes;
  if (typeof workingSet === "number") return Math.min(workingSet, arrayBytes);
  return Math.floor((arrayBytes * percentOf(workingSet)) / 100 / 4096) * 4096;
}
