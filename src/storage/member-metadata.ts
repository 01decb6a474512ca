/**
 * Everything that a member says about its array: the md superblock and every slot's bitmap superblock, checked as the
 * kernel checks them, and the geometry that follows. Reads only those bytes; `slot-scan.ts` reads the bits.
 */
import type { Origin } from "../ondisk/field-error.js";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  parseMdSuperblock,
} from "../ondisk/md-superblock.js";
import { checkMdSuperblock } from "../ondisk/md-superblock-check.js";
import { PAGE_BYTES, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { type MemberBitmap, readMemberBitmap } from "./member-bitmap.js";
import { type MemberSource, readWhole } from "./member-source.js";

const SUPERBLOCK_OFFSET_BYTES = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;

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
  const bitmap = await readMemberBitmap(source, origin, superblock);
  return { origin, superblock, bitmap, metadataImage };
}

/**
 * Whether the file (or a loop device on it) holds the non-zero 4 KiB blocks of a member below its data offset and no more, as images of metadata
 * are kept (golden/README.md): it ends right behind a block that is not zero. A member cut off anywhere else does not.
 */
async function isMetadataImage(source: MemberSource, superblock: MdSuperblock): Promise<boolean> {
  const { sizeBytes } = source;
  if (sizeBytes % PAGE_BYTES !== 0) return false;
  if (BigInt(sizeBytes) > superblock.dataOffsetSectors * BigInt(SECTOR_BYTES)) return false;
  const last = await source.readAt(sizeBytes - PAGE_BYTES, PAGE_BYTES);
  return last.some((byte) => byte !== 0);
}
