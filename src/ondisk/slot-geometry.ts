/**
 * Where each node's bitmap slot lies on a member, and how large each page write is. Pure arithmetic.
 *
 * Sources: spec §2.1 (mainline formula), §2.4 S1 and S5 (the first patches), §3.3 and golden/writes finding 5 (page
 * write sizes). Every number is a count named by its unit; values up to 2^53 are exact.
 */
import { SlotmarkError } from "../errors.js";

export const SECTOR_BYTES = 512;
export const PAGE_BYTES = 4096;
export const PAGE_SECTORS = PAGE_BYTES / SECTOR_BYTES;
/** The bitmap superblock's length; the bits follow at once. */
export const BITMAP_SUPERBLOCK_BYTES = 256;
/** The bits' place in a page image is the chunk's number plus this. */
export const BITMAP_SUPERBLOCK_BITS = BITMAP_SUPERBLOCK_BYTES * 8;
export const BITS_PER_PAGE = PAGE_BYTES * 8;
/** The kernel keeps slots to recover in one 64-bit word (spec §2.3, real node limits). */
export const NODES_MAX = 64;
export const CHUNK_BYTES_MAX = 2 ** 31;

export type Variant = "safe" | "mainline" | "original";
export type KernelBehaviour = "6.1" | "mainline";

export interface SlotGeometryInput {
  readonly syncSizeSectors: number;
  readonly chunkBytes: number;
  /** Slots, 1 to 64; 0 for a bitmap of an array without a cluster, which has one slot as well. */
  readonly nodes: number;
  readonly superOffsetSectors: number;
  /** Signed, relative to the superblock. */
  readonly bitmapOffsetSectors: number;
  readonly dataOffsetSectors: number;
  readonly logicalBlockBytes: number;
  /** The device's optimal I/O size; 0 where it states none. */
  readonly optimalIoBytes?: number;
  readonly variant?: Variant;
  readonly kernel?: KernelBehaviour;
}

export interface SlotGeometry {
  readonly syncSizeSectors: number;
  readonly chunkBytes: number;
  readonly chunkSectors: number;
  readonly chunks: number;
  readonly nodes: number;
  /** Superblock and bits of one slot. */
  readonly bitmapBytes: number;
  readonly pagesPerSlot: number;
  /** From one slot's superblock to the next one's. 0 where the first patches' slots alias. */
  readonly strideSectors: number;
  /** From page p of one slot to page p of the next; differs from the stride under `original` alone. */
  readonly pageStrideSectors: number;
  /** Absolute sector of slot 0 on each member. */
  readonly firstSlotSector: number;
  readonly dataOffsetSectors: number;
  readonly logicalBlockBytes: number;
  readonly optimalIoBytes: number;
  readonly variant: Variant;
  readonly kernel: KernelBehaviour;
}

/**
 * @throws SlotmarkError kind `input`: `chunk-not-power-of-two`, `chunk-too-large`, `too-many-nodes`, `geometry-invalid`,
 * `slots-beyond-data-offset`
 */
export function slotGeometry(input: SlotGeometryInput): SlotGeometry {
  const { syncSizeSectors, chunkBytes, nodes, dataOffsetSectors, logicalBlockBytes } = input;
  const optimalIoBytes = input.optimalIoBytes ?? 0;
  const variant = input.variant ?? "safe";
  const chunkSectors = chunkBytes / SECTOR_BYTES;
  if (!Number.isInteger(Math.log2(chunkSectors)) || chunkSectors < 1) {
    throw new SlotmarkError(
      "input",
      "chunk-not-power-of-two",
      `the bitmap chunk of ${chunkBytes} bytes is no power of two of at least 512 bytes`,
      "choose a power of two such as 64K, 4M or 64M",
    );
  }
  if (chunkBytes > CHUNK_BYTES_MAX) {
    throw new SlotmarkError(
      "input",
      "chunk-too-large",
      `the bitmap chunk of ${chunkBytes} bytes is above ${CHUNK_BYTES_MAX}, the largest that the superblock holds`,
      "choose a smaller chunk such as 64M",
    );
  }
  requireWhole("nodes", nodes, 0);
  if (nodes > NODES_MAX) {
    throw new SlotmarkError(
      "input",
      "too-many-nodes",
      `${nodes} nodes are more than the ${NODES_MAX} that md can recover`,
      `choose 2 to ${NODES_MAX} nodes`,
    );
  }
  requireWhole("syncSizeSectors", syncSizeSectors, 1);
  requireWhole("superOffsetSectors", input.superOffsetSectors, 0);
  requireWhole("bitmapOffsetSectors", input.bitmapOffsetSectors, Number.MIN_SAFE_INTEGER);
  requireWhole("dataOffsetSectors", dataOffsetSectors, 0);
  requireWhole("logicalBlockBytes", logicalBlockBytes, SECTOR_BYTES);
  requireWhole("optimalIoBytes", optimalIoBytes, 0);

  const chunks = Math.ceil(syncSizeSectors / chunkSectors);
  const bitmapBytes = Math.ceil(chunks / 8) + BITMAP_SUPERBLOCK_BYTES;
  const pagesPerSlot = Math.ceil(bitmapBytes / PAGE_BYTES);
  const strideSectors =
    variant === "original"
      ? originalStrideSectors(syncSizeSectors, chunkSectors)
      : pagesPerSlot * PAGE_SECTORS;
  const pageStrideSectors =
    variant === "original" ? strideSectors + (pagesPerSlot - 1) * PAGE_SECTORS : strideSectors;
  const firstSlotSector = input.superOffsetSectors + input.bitmapOffsetSectors;
  const endSector =
    firstSlotSector + Math.max(nodes - 1, 0) * pageStrideSectors + pagesPerSlot * PAGE_SECTORS;
  // Metadata before data (1.1, 1.2): the kernel refuses a page write that reaches the data (spec §2.1).
  if (
    firstSlotSector < 0 ||
    (input.superOffsetSectors < dataOffsetSectors && endSector > dataOffsetSectors)
  ) {
    throw new SlotmarkError(
      "input",
      "slots-beyond-data-offset",
      `${Math.max(nodes, 1)} slots of ${pagesPerSlot * PAGE_BYTES} bytes from sector ${firstSlotSector} end at sector ${endSector}, behind the data offset, sector ${dataOffsetSectors}`,
      "choose a larger chunk or fewer nodes; create --beyond-mdadm moves the data offset so that all slots fit",
    );
  }
  return {
    syncSizeSectors,
    chunkBytes,
    chunkSectors,
    chunks,
    nodes,
    bitmapBytes,
    pagesPerSlot,
    strideSectors,
    pageStrideSectors,
    firstSlotSector,
    dataOffsetSectors,
    logicalBlockBytes,
    optimalIoBytes,
    variant,
    kernel: input.kernel ?? "mainline",
  };
}

/**
 * The same array under other behaviour: `original` looks for the slots elsewhere.
 * @throws SlotmarkError `slots-beyond-data-offset`
 */
export function geometryUnder(
  geometry: SlotGeometry,
  { variant, kernel }: { readonly variant: Variant; readonly kernel: KernelBehaviour },
): SlotGeometry {
  return slotGeometry({
    ...geometry,
    variant,
    kernel,
    superOffsetSectors: 0,
    bitmapOffsetSectors: geometry.firstSlotSector,
  });
}

/** First sector behind all slots, wherever the geometry puts them. */
export function slotsEndSector(geometry: SlotGeometry): number {
  const { nodes, pagesPerSlot } = geometry;
  return pageSector(geometry, Math.max(nodes - 1, 0), pagesPerSlot - 1) + PAGE_SECTORS;
}

/**
 * The first patch took `sector_div`, which returns the remainder, for the quotient, then bytes for bits, and forgot the
 * superblock (spec §2.4 S1 to S3): sizes that are whole chunks give 0, and every slot is slot 0.
 */
function originalStrideSectors(syncSizeSectors: number, chunkSectors: number): number {
  const remainder = syncSizeSectors % chunkSectors;
  return Math.ceil((remainder * 8) / PAGE_BYTES) * PAGE_SECTORS;
}

function requireWhole(name: string, value: number, lowest: number): void {
  if (Number.isSafeInteger(value) && value >= lowest) return;
  throw new SlotmarkError(
    "input",
    "geometry-invalid",
    `${name} is ${value}, expected a whole number${lowest === Number.MIN_SAFE_INTEGER ? "" : ` of at least ${lowest}`}`,
    "correct this value of the array's geometry",
  );
}

/** Sector of the superblock of slot `slot`, where it is looked for when the slot is opened. */
export function slotSector(geometry: SlotGeometry, slot: number): number {
  return geometry.firstSlotSector + slot * geometry.strideSectors;
}

/**
 * Sector of page `page` of slot `slot` on a member. Under `original` pages are numbered slot × (pages − 1) + page on top
 * of the shifted offset (spec §2.4 S4, S5), so that neighbours overlap by a page.
 */
export function pageSector(geometry: SlotGeometry, slot: number, page: number): number {
  return geometry.firstSlotSector + slot * geometry.pageStrideSectors + page * PAGE_SECTORS;
}

/**
 * Bytes that the kernel writes for page `page` of slot `slot`. The slot's last page is trimmed to logical blocks, or to
 * the device's optimal I/O size where that fits before the data (spec §3.3; since 6.4), and never leaves its page. 6.1
 * and the first patches trim slot 0 alone (spec §2.4 S8, golden/writes finding 5).
 */
export function pageWriteBytes(geometry: SlotGeometry, slot: number, page: number): number {
  const { kernel, variant, logicalBlockBytes, optimalIoBytes } = geometry;
  const newer = kernel === "mainline" && variant !== "original";
  if (page !== geometry.pagesPerSlot - 1 || (!newer && slot > 0)) return PAGE_BYTES;
  const used = geometry.bitmapBytes % PAGE_BYTES || PAGE_BYTES;
  const trimmed = Math.ceil(used / logicalBlockBytes) * logicalBlockBytes;
  if (!newer || optimalIoBytes <= logicalBlockBytes) return Math.min(trimmed, PAGE_BYTES);
  const optimal = Math.ceil(used / optimalIoBytes) * optimalIoBytes;
  const start = pageSector(geometry, slot, page);
  // Metadata behind the data has no boundary; in front of it, the data is the boundary.
  const fits =
    geometry.firstSlotSector > geometry.dataOffsetSectors ||
    start + optimal / SECTOR_BYTES <= geometry.dataOffsetSectors;
  return Math.min(fits ? optimal : trimmed, PAGE_BYTES);
}
