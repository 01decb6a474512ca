/**
 * Where one worker's linear memory holds what. Reserved whole and never grown: untouched pages cost nothing, and views
 * stay valid. Every region is 64-byte aligned; page images and payload are 4096-aligned, as O_DIRECT wants.
 */
import { SlotmarkError } from "../errors.js";
import { PAGE_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { ZIPF_TABLE_BYTES } from "./zipf.js";

export const WASM_PAGE_BYTES = 65536;
/** What wasm32 can address. */
export const MEMORY_LIMIT_BYTES = 65536 * WASM_PAGE_BYTES;
/** Chunks of one counter page, 16 bits each. */
export const COUNTER_PAGE_CHUNKS = PAGE_BYTES / 2;
/** Room for the pages of another slot that are being merged, and for what a scan returns. */
export const SCRATCH_BYTES = 65536;

/** The module's own data lies below this. */
const FIRST_FREE_BYTE = WASM_PAGE_BYTES;
/** The list's writer stores eight entries at a time. */
const LIST_SLACK_ENTRIES = 8;

/** Byte addresses. */
export interface MemoryLayout {
  readonly image: number;
  readonly payload: number;
  readonly ringSector: number;
  readonly ringSectors: number;
  readonly listPage: number;
  readonly listOffset: number;
  readonly listLength: number;
  readonly dirty: number;
  readonly pending: number;
  readonly needWrite: number;
  readonly listable: number;
  readonly ageing: number;
  /** Attributes that bits set where nobody looks (spec §2.4 S7), and attributes that read as clear. */
  readonly lost: number;
  readonly clear: number;
  readonly bitsOnDisk: number;
  readonly counterTable: number;
  readonly counterPending: number;
  readonly counterPool: number;
  readonly positions: number;
  readonly scratch: number;
  readonly workloadState: number;
  readonly zipf: number;
  readonly taken: number;
  /** Entries of `taken`, a power of two. */
  readonly takenEntries: number;
  readonly totalBytes: number;
}

export interface LayoutOptions {
  readonly geometry: SlotGeometry;
  readonly ringCapacity: number;
  readonly payloadBytes: number;
}

/** @throws SlotmarkError `bitmap-too-large`, with the bytes needed and the chunk size that fits */
export function memoryLayout(options: LayoutOptions): MemoryLayout {
  const layout = arrange(options);
  if (layout.totalBytes <= MEMORY_LIMIT_BYTES) return layout;
  const { geometry } = options;
  const fitting = fittingChunkBytes(options);
  throw new SlotmarkError(
    "input",
    "bitmap-too-large",
    `a slot of ${geometry.chunks} chunks of ${geometry.chunkBytes} bytes needs ${layout.totalBytes} bytes of memory; one worker has at most ${MEMORY_LIMIT_BYTES}`,
    fitting === undefined
      ? "use a smaller --size"
      : `use --chunk ${inUnits(fitting)} or larger, or a smaller --size`,
  );
}

/** As options take it: powers of 1024. */
function inUnits(bytes: number): string {
  return bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20}M` : `${bytes / 2 ** 10}K`;
}

function fittingChunkBytes(options: LayoutOptions): number | undefined {
  const { geometry } = options;
  for (let chunkBytes = geometry.chunkBytes * 2; chunkBytes <= 2 ** 40; chunkBytes *= 2) {
    const chunks = Math.ceil((geometry.syncSizeSectors * 512) / chunkBytes);
    const pagesPerSlot = Math.ceil((Math.ceil(chunks / 8) + 256) / PAGE_BYTES);
    if (
      arrange({ ...options, geometry: { ...geometry, chunks, pagesPerSlot } }).totalBytes <=
      MEMORY_LIMIT_BYTES
    ) {
      return chunkBytes;
    }
  }
  return undefined;
}

function arrange({ geometry, ringCapacity, payloadBytes }: LayoutOptions): MemoryLayout {
  const { chunks, pagesPerSlot } = geometry;
  const listEntries = pagesPerSlot + LIST_SLACK_ENTRIES;
  const pageGroups = Math.ceil(pagesPerSlot / 64);
  const counterPages = Math.ceil(chunks / COUNTER_PAGE_CHUNKS);
  const takenEntries = 2 ** Math.ceil(Math.log2(ringCapacity * 2));
  let end = FIRST_FREE_BYTE;
  const take = (bytes: number, alignment = 64): number => {
    const start = Math.ceil(end / alignment) * alignment;
    end = start + Math.ceil(bytes / 64) * 64;
    return start;
  };
  const layout = {
    image: take(pagesPerSlot * PAGE_BYTES, PAGE_BYTES),
    payload: take(payloadBytes, PAGE_BYTES),
    ringSector: take(ringCapacity * 8),
    ringSectors: take(ringCapacity * 4),
    listPage: take(listEntries * 4),
    listOffset: take(listEntries * 8),
    listLength: take(listEntries * 4),
    dirty: take(pagesPerSlot),
    pending: take(pagesPerSlot),
    needWrite: take(pagesPerSlot),
    listable: take(pageGroups),
    ageing: take(pageGroups),
    lost: take(pagesPerSlot),
    clear: take(pagesPerSlot),
    bitsOnDisk: take(pagesPerSlot * 4),
    counterTable: take(counterPages * 4),
    counterPending: take(counterPages),
    positions: take(256 * 32),
    scratch: take(SCRATCH_BYTES + 64),
    workloadState: take(128),
    zipf: take(ZIPF_TABLE_BYTES),
    taken: take(takenEntries * 16),
    takenEntries,
    counterPool: take(counterPages * PAGE_BYTES, PAGE_BYTES),
  };
  return { ...layout, totalBytes: Math.ceil(end / WASM_PAGE_BYTES) * WASM_PAGE_BYTES };
}
