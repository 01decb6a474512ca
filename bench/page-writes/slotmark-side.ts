/** slotmark's own page writers on given offsets, through the calls that a node makes. */
import { PAGE_BYTES, SECTOR_BYTES } from "../../src/ondisk/slot-geometry.js";
import { directMemory } from "../../src/storage/direct-memory.js";
import { openPageWriter } from "../../src/storage/open-page-writer.js";
import type { MemberFailure, PageIo, PageWriter } from "../../src/storage/page-writer.js";
import type { Cost } from "../interleave.js";

export interface SlotmarkOptions {
  readonly io: PageIo;
  readonly path: string;
  /** Writes in flight, each completion replaced at once. */
  readonly depth: number;
  readonly dsync: boolean;
  readonly fill: number;
}

export interface SlotmarkSide {
  /** Everything but the writes themselves, as a job of fio does it before it rests: who is busy until the first write is scheduled otherwise. */
  prepare(offsetsBytes: Float64Array): () => Cost;
  close(): void;
}

export function openSlotmarkSide({ io, path, depth, dsync, fill }: SlotmarkOptions): SlotmarkSide {
  const memory = directMemory(2 * PAGE_BYTES);
  memory.fill(fill);
  const writer = openPageWriter(io, {
    members: [{ path, dataOffsetBytes: 0 }],
    memory,
    imageOffsetBytes: 0,
    imageBytes: PAGE_BYTES,
    payloadOffsetBytes: PAGE_BYTES,
    payloadBytes: PAGE_BYTES,
    depth,
    durability: dsync ? "fua" : "none",
    dataSync: dsync,
  });
  if (!writer.directIo) throw new Error(`${path}: its filesystem knows no O_DIRECT`);
  return { prepare: asData(writer), close: () => writer.close() };
}

function asData(writer: PageWriter): SlotmarkSide["prepare"] {
  return (offsetsBytes) => {
    const writes = offsetsBytes.length;
    const events = {
      sector: offsetsBytes.map((offset) => offset / SECTOR_BYTES),
      sectors: new Uint32Array(writes).fill(PAGE_BYTES / SECTOR_BYTES),
    };
    // Touched before the first write, as a node's are since its first plug.
    const completedNs = new Float64Array(writes).fill(0);
    return () => timed(writes, () => throwFirst(writer.writeData(events, 0, writes, completedNs)));
  };
}

function throwFirst([failure]: readonly MemberFailure[]): void {
  if (failure !== undefined) throw failure.error;
}

/**
 * CPU time is that of the whole process: compiler and collector of the JavaScript engine are slotmark's, too. All times are in whole
 * milliseconds, begun ones left out, as fio has them.
 */
function timed(writes: number, work: () => void): Cost {
  const cpuBefore = process.cpuUsage();
  const startNs = process.hrtime.bigint();
  work();
  const elapsedMs = Number((process.hrtime.bigint() - startNs) / 1_000_000n);
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = Math.floor(user / 1000) + Math.floor(system / 1000);
  return { perSecond: (writes * 1000) / elapsedMs, cpuNsEach: (cpuMs * 1e6) / writes };
}
