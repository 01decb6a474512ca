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

export type Variant = "safe" | "mainline" | "original";
export type KernelBehaviour = "6.1" | "mainline";

export interface SlotGeometryInput {
  readonly syncSizeSectors: number;
  readonly chunkBytes: number;
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
  readonly strideSectors: number;
  /** Absolute sector of slot 0 on each member. */
  readonly firstSlotSector: number;
  readonly dataOffsetSectors: number;
  readonly logicalBlockBytes: number;
  readonly optimalIoBytes: number;
  readonly variant: Variant;
  readonly kernel: KernelBehaviour;
}

export function slotGeometry(input: SlotGeometryInput): SlotGeometry {
  const chunkSectors = input.chunkBytes / SECTOR_BYTES;
  if (!Number.isInteger(Math.log2(chunkSectors)) || chunkSectors < 1) {
    throw new SlotmarkError(
      "input",
      "chunk-not-power-of-two",
      `the bitmap chunk of ${input.chunkBytes} bytes is no power of two of at least 512 bytes`,
      "choose a power of two such as 64K, 4M or 64M",
    );
  }
  const chunks = Math.ceil(input.syncSizeSectors / chunkSectors);
  const bitmapBytes = Math.ceil(chunks / 8) + BITMAP_SUPERBLOCK_BYTES;
  const pagesPerSlot = Math.ceil(bitmapBytes / PAGE_BYTES);
  const variant = input.variant ?? "safe";
  return {
    syncSizeSectors: input.syncSizeSectors,
    chunkBytes: input.chunkBytes,
    chunkSectors,
    chunks,
    nodes: input.nodes,
    bitmapBytes,
    pagesPerSlot,
    strideSectors:
      variant === "original"
        ? (input.syncSizeSectors % chunkSectors) * PAGE_SECTORS
        : pagesPerSlot * PAGE_SECTORS,
    firstSlotSector: input.superOffsetSectors + input.bitmapOffsetSectors,
    dataOffsetSectors: input.dataOffsetSectors,
    logicalBlockBytes: input.logicalBlockBytes,
    optimalIoBytes: input.optimalIoBytes ?? 0,
    variant,
    kernel: input.kernel ?? "mainline",
  };
}

/** Sector of page `page` of slot `slot` on a member. */
export function pageSector(geometry: SlotGeometry, slot: number, page: number): number {
  return geometry.firstSlotSector + slot * geometry.strideSectors + page * PAGE_SECTORS;
}

/** Bytes that the kernel writes for page `page` of slot `slot`: the slot's last page is trimmed (spec §3.3). */
export function pageWriteBytes(geometry: SlotGeometry, slot: number, page: number): number {
  if (page !== geometry.pagesPerSlot - 1 || (geometry.kernel === "6.1" && slot > 0)) return PAGE_BYTES;
  const used = geometry.bitmapBytes % PAGE_BYTES || PAGE_BYTES;
  const trimmed = Math.ceil(used / geometry.logicalBlockBytes) * geometry.logicalBlockBytes;
  return Math.min(trimmed, PAGE_BYTES);
}
