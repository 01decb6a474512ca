/** slotmark's own page writers on given offsets, through the calls that a node makes. */
import { PAGE_BYTES, SECTOR_BYTES } from "../../src/ondisk/slot-geometry.js";
import { directMemory } from "../../src/storage/direct-memory.js";
import { openPageWriter } from "../../src/storage/open-page-writer.js";
import type { MemberFailure, PageIo, PageWriter } from "../../src/storage/page-writer.js";
import type { Cost } from "../interleave.js";

export interface SlotmarkOptions {
  readonly io: PageIo;
  readonly path: string;
  /** 1: one call for each page, as plugs make it that dirty one page. More: data writes, each completion replaced at once. */
  readonly depth: number;
  readonly dsync: boolean;
  readonly fill: number;
}

export interface SlotmarkSide {
  write(offsetsBytes: Float64Array): Cost;
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
  return {
    write: depth === 1 ? pageByPage(writer) : asData(writer),
    close: () => writer.close(),
  };
}

function pageByPage(writer: PageWriter): SlotmarkSide["write"] {
  const pages = {
    page: Uint32Array.of(0),
    offsetBytes: Float64Array.of(0),
    lengthBytes: Uint32Array.of(PAGE_BYTES),
  };
  return (offsetsBytes) =>
    timed(offsetsBytes.length, () => {
      for (const offset of offsetsBytes) {
        pages.offsetBytes[0] = offset;
        throwFirst(writer.writePages(pages, 1));
      }
    });
}

function asData(writer: PageWriter): SlotmarkSide["write"] {
  return (offsetsBytes) => {
    const writes = offsetsBytes.length;
    const events = {
      sector: offsetsBytes.map((offset) => offset / SECTOR_BYTES),
      sectors: new Uint32Array(writes).fill(PAGE_BYTES / SECTOR_BYTES),
    };
    const completedNs = new Float64Array(writes);
    return timed(writes, () => throwFirst(writer.writeData(events, 0, writes, completedNs)));
  };
}

function throwFirst([failure]: readonly MemberFailure[]): void {
  if (failure !== undefined) throw failure.error;
}

/** CPU time is that of the whole process: compiler and collector of the JavaScript engine are slotmark's, too. */
function timed(writes: number, work: () => void): Cost {
  const cpuBefore = process.cpuUsage();
  const startNs = process.hrtime.bigint();
  work();
  const elapsedNs = Number(process.hrtime.bigint() - startNs);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (writes * 1e9) / elapsedNs, cpuNsEach: ((user + system) * 1000) / writes };
}
