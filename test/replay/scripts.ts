/** Small scripts for tests: 2 nodes, members a and b, one page a slot (1 GiB in 64 KiB chunks), or many pages. */
import type { AppWrite, MdCall, ReplayScript } from "../../src/replay/script.js";

export const CHUNK_BYTES = 65536;
export const CHUNK_SECTORS = CHUNK_BYTES / 512;

const geometry: ReplayScript["geometry"] = {
  syncSizeSectors: 2097152,
  chunkBytes: CHUNK_BYTES,
  nodes: 2,
  members: ["a", "b"],
  superOffsetSectors: 8,
  bitmapOffsetSectors: 8,
  dataOffsetSectors: 4096,
  logicalBlockBytes: 512,
  daemonSleepSeconds: 5,
};

export function writesScript(writes: AppWrite[], rest: Partial<ReplayScript> = {}): ReplayScript {
  return { geometry, untilSeconds: 100, writes, ...rest };
}

export function eventsScript(events: MdCall[], rest: Partial<ReplayScript> = {}): ReplayScript {
  return { geometry, untilSeconds: 100, events, ...rest };
}

/** A 4 KiB write to the start of a chunk by node 0. */
export function write(atSeconds: number, chunk: number, rest: Partial<AppWrite> = {}): AppWrite {
  return { node: 0, atSeconds, offsetBytes: chunk * CHUNK_BYTES, lengthBytes: 4096, ...rest };
}

export const withGeometry = (changes: Partial<ReplayScript["geometry"]>): Pick<ReplayScript, "geometry"> => ({
  geometry: { ...geometry, ...changes },
});

/** 5 pages a slot. */
export const manyPages = withGeometry({ syncSizeSectors: 20000000, dataOffsetSectors: 8192 });
/** Chunks on pages 0 to 4 of `manyPages`. */
export const CHUNK_OF_PAGE = [0, 30720, 63488, 96256, 129024] as const;
