/**
 * Everything that a member says about its array: the md superblock and every slot's bitmap superblock, checked as the
 * kernel checks them, and the geometry that follows. Reads only those bytes; `slot-scan.ts` reads the bits.
 */
import { SlotmarkError } from "../errors.js";
import { kernelSyncSizeSectors, mdadmSyncSizeSectors } from "../ondisk/array-size.js";
import {
  BITMAP_FIELD,
  BITMAP_VERSION_CLUSTERED,
  parseBitmapSuperblock,
} from "../ondisk/bitmap-superblock.js";
import {
  bitmapSuperblockOf,
  checkBitmapSuperblock,
  checkSlotsAgree,
  type LocatedBitmapSuperblock,
} from "../ondisk/bitmap-superblock-check.js";
import { fieldError, type Origin } from "../ondisk/field-error.js";
import {
  FEATURE_BITMAP_OFFSET,
  FEATURE_CLUSTERED,
  FEATURE_JOURNAL,
  MD_FIELD,
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  parseMdSuperblock,
} from "../ondisk/md-superblock.js";
import { checkMdSuperblock } from "../ondisk/md-superblock-check.js";
import {
  BITMAP_SUPERBLOCK_BYTES,
  PAGE_BYTES,
  SECTOR_BYTES,
  type SlotGeometry,
  slotGeometry,
  slotSector,
} from "../ondisk/slot-geometry.js";
import type { MemberSource } from "./member-source.js";

const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;

export interface MemberBitmap {
  readonly geometry: SlotGeometry;
  /** One a slot; one for the array's only bitmap where there is no cluster. */
  readonly slots: readonly LocatedBitmapSuperblock[];
}

export interface MemberMetadata {
  readonly origin: Origin;
  readonly superblock: MdSuperblock;
  /** null: the array has no internal bitmap. */
  readonly bitmap: MemberBitmap | null;
  /** A file of metadata alone; see `isMetadataImage`. */
  readonly metadataImage: boolean;
}

/**
 * @param allowMetadataImage accept a file that ends before its data area, as the kernel would not
 * @throws SlotmarkError kind `input`: `truncated`, or the code of the check that failed
 */
export async function readMemberMetadata(
  source: MemberSource,
  allowMetadataImage: boolean,
): Promise<MemberMetadata> {
  const origin = { member: source.path, offsetBytes: SUPERBLOCK_OFFSET_BYTES };
  const bytes = await readWhole(source, SUPERBLOCK_OFFSET_BYTES, MD_SUPERBLOCK_AREA_BYTES, "md superblock");
  const superblock = parseMdSuperblock(bytes);
  const surroundings = { origin, logicalBlockBytes: source.logicalBlockBytes };
  const superblockBytes = bytes.slice();
  checkMdSuperblock(superblockBytes, superblock, { ...surroundings, memberSectors: undefined });
  const metadataImage = allowMetadataImage && (await isMetadataImage(source, superblock));
  if (!metadataImage) {
    const memberSectors = Math.floor(source.sizeBytes / SECTOR_BYTES);
    checkMdSuperblock(superblockBytes, superblock, { ...surroundings, memberSectors });
  }
  const bitmap = await readBitmap(source, origin, superblock);
  return { origin, superblock, bitmap, metadataImage };
}

/**
 * Whether the file holds the non-zero 4 KiB blocks of a member below its data offset and no more, as images of metadata
 * are kept (golden/README.md): it ends right behind a block that is not zero. A member cut off anywhere else does not.
 */
async function isMetadataImage(source: MemberSource, superblock: MdSuperblock): Promise<boolean> {
  const { sizeBytes } = source;
  if (source.kind !== "file" || sizeBytes % PAGE_BYTES !== 0) return false;
  if (BigInt(sizeBytes) > superblock.dataOffsetSectors * BigInt(SECTOR_BYTES)) return false;
  const last = await source.readAt(sizeBytes - PAGE_BYTES, PAGE_BYTES);
  return last.some((byte) => byte !== 0);
}

async function readBitmap(
  source: MemberSource,
  superblockOrigin: Origin,
  superblock: MdSuperblock,
): Promise<MemberBitmap | null> {
  if ((superblock.featureMap & FEATURE_BITMAP_OFFSET) === 0) return null;
  if ((superblock.featureMap & FEATURE_JOURNAL) !== 0) {
    throw fieldError(superblockOrigin, {
      code: "superblock-journal-with-bitmap",
      where: "md superblock",
      field: "feature_map",
      at: MD_FIELD.feature_map,
      found: `0x${superblock.featureMap.toString(16)}`,
      expected: "a journal or a bitmap, not both",
    });
  }
  const clustered = (superblock.featureMap & FEATURE_CLUSTERED) !== 0;
  const readSlot = async (slot: number, sector: number): Promise<LocatedBitmapSuperblock> => {
    const offsetBytes = sector * SECTOR_BYTES;
    const where = bitmapSuperblockOf(slot);
    const located = {
      origin: { member: source.path, offsetBytes },
      slot,
      superblock: parseBitmapSuperblock(await readWhole(source, offsetBytes, BITMAP_SUPERBLOCK_BYTES, where)),
    };
    checkBitmapSuperblock(located.superblock, {
      origin: located.origin,
      slot,
      setUuid: superblock.setUuid,
      clustered,
    });
    return located;
  };
  const firstSector = MD_SUPERBLOCK_SECTOR + superblock.bitmapOffsetSectors;
  if (firstSector < 0 || BigInt(firstSector) >= superblock.dataOffsetSectors) {
    throw fieldError(superblockOrigin, {
      code: "superblock-bitmap-offset",
      where: "md superblock",
      field: "bitmap_offset",
      at: MD_FIELD.bitmap_offset,
      found: `${superblock.bitmapOffsetSectors} sectors`,
      expected: `a place before the data, sector ${superblock.dataOffsetSectors}`,
    });
  }
  const first = await readSlot(0, firstSector);
  checkSyncSize(superblockOrigin, superblock, first);
  const { version, nodes, chunkBytes, syncSizeSectors } = first.superblock;
  const geometry = slotGeometry({
    syncSizeSectors: Number(syncSizeSectors),
    chunkBytes,
    nodes: version === BITMAP_VERSION_CLUSTERED ? nodes : 0,
    superOffsetSectors: MD_SUPERBLOCK_SECTOR,
    bitmapOffsetSectors: superblock.bitmapOffsetSectors,
    dataOffsetSectors: Number(superblock.dataOffsetSectors),
    logicalBlockBytes: source.logicalBlockBytes,
    optimalIoBytes: source.optimalIoBytes,
  });
  const slots = [first];
  for (let slot = 1; slot < geometry.nodes; slot++) {
    const located = await readSlot(slot, slotSector(geometry, slot));
    checkSlotsAgree(first, located);
    slots.push(located);
  }
  return { geometry, slots };
}

/** The kernel does not compare them; but bits that cover another size than the array's would be read as wrong places. */
function checkSyncSize(
  superblockOrigin: Origin,
  superblock: MdSuperblock,
  { origin, slot, superblock: bitmap }: LocatedBitmapSuperblock,
): void {
  const shape = {
    level: superblock.level,
    layout: superblock.layout,
    raidDisks: superblock.raidDisks,
    componentSectors: Number(superblock.sizeSectors),
    raidChunkSectors: superblock.chunkSectors,
  };
  const expected = mdadmSyncSizeSectors(shape);
  const found = Number(bitmap.syncSizeSectors);
  if (found === expected || found === kernelSyncSizeSectors(shape)) return;
  throw fieldError(origin, {
    code: "inconsistent",
    where: bitmapSuperblockOf(slot),
    field: "sync_size",
    at: BITMAP_FIELD.sync_size,
    found: `${bitmap.syncSizeSectors} sectors`,
    expected: `${expected} sectors, which size at byte ${superblockOrigin.offsetBytes + MD_FIELD.size} of the md superblock of ${superblockOrigin.member} gives`,
  });
}

async function readWhole(
  source: MemberSource,
  offsetBytes: number,
  lengthBytes: number,
  what: string,
): Promise<Uint8Array> {
  const bytes = await source.readAt(offsetBytes, lengthBytes);
  if (bytes.length === lengthBytes) return bytes;
  throw truncated(source, what, offsetBytes, lengthBytes);
}

export function truncated(
  source: MemberSource,
  what: string,
  offsetBytes: number,
  lengthBytes: number,
): SlotmarkError {
  return new SlotmarkError(
    "input",
    "truncated",
    `${source.path}: ${what} at bytes ${offsetBytes} to ${offsetBytes + lengthBytes - 1} is cut off: the member has ${source.sizeBytes} bytes, expected at least ${offsetBytes + lengthBytes}`,
    "the member is truncated: use a whole copy, or another member of the array",
  );
}
