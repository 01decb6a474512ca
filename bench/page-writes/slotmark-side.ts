/** slotmark's own page writers on given offsets, through the calls that a node makes. */
import { PAGE_BYTES, SECTOR_BYTES } from "../../src/ondisk/slot-geometry.js";
import { directMemory } from "../../src/storage/direct-memory.js";
import { openPageWriter } from "../../src/storage/open-page-writer.js";
import type { PageIo, PageWriter } from "../../src/storage/page-writer.js";
import type { Cost } from "../interleave.js";

export interface SlotmarkRun {
  readonly io: PageIo;
  readonly path: string;
  readonly offsetsBytes: Float64Array;
  /** 1: one call for each page, as plugs make it that dirty one page. More: data writes, each completion replaced at once. */
  readonly depth: number;
  readonly dsync: boolean;
  readonly fill: number;
}

export function runSlotmark({ io, path, offsetsBytes, depth, dsync, fill }: SlotmarkRun): Cost {
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
  try {
    if (!writer.directIo) throw new Error(`${path}: its filesystem knows no O_DIRECT`);
    return depth === 1 ? timed(pageByPage(writer, offsetsBytes)) : timed(asData(writer, offsetsBytes));
  } finally {
    writer.close();
  }
}

interface Work {
  readonly writes: number;
  readonly run: () => void;
}

function pageByPage(writer: PageWriter, offsetsBytes: Float64Array): Work {
  const pages = {
    page: Uint32Array.of(0),
    offsetBytes: Float64Array.of(0),
    lengthBytes: Uint32Array.of(PAGE_BYTES),
  };
  const run = () => {
    for (const offset of offsetsBytes) {
      pages.offsetBytes[0] = offset;
      writer.writePages(pages, 1);
    }
  };
  return { writes: offsetsBytes.length, run };
}

function asData(writer: PageWriter, offsetsBytes: Float64Array): Work {
  const writes = offsetsBytes.length;
  const events = {
    sector: offsetsBytes.map((offset) => offset / SECTOR_BYTES),
    sectors: new Uint32Array(writes).fill(PAGE_BYTES / SECTOR_BYTES),
  };
  const completedNs = new Float64Array(writes);
  return { writes, run: () => writer.writeData(events, 0, writes, completedNs) };
}

/** CPU time is that of the whole process: compiler and collector of the JavaScript engine are slotmark's, too. */
function timed({ writes, run }: Work): Cost {
  const cpuBefore = process.cpuUsage();
  const startNs = process.hrtime.bigint();
  run();
  const elapsedNs = Number(process.hrtime.bigint() - startNs);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (writes * 1e9) / elapsedNs, cpuNsEach: ((user + system) * 1000) / writes };
}
