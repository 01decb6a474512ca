/**
 * The bitmap of a member: every slot's superblock, checked as the kernel checks it, held against the others and against
 * the md superblock, and the geometry that follows. `slot-scan.ts` reads the bits.
 */
import { kernelSyncSizeSectors, mdadmSyncSizeSectors } from "../ondisk/array-size.js";
import {
  BITMAP_FIELD,
  BITMAP_MAGIC,
  BITMAP_VERSION_CLUSTERED,
  parseBitmapSuperblock,
} from "../ondisk/bitmap-superblock.js";
import {
  bitmapSuperblockOf,
  CHUNK_BYTES_MIN,
  checkBitmapSuperblock,
  checkNodes,
  checkSlotsAgree,
  type LocatedBitmapSuperblock,
} from "../ondisk/bitmap-superblock-check.js";
import { fieldError, type Origin } from "../ondisk/field-error.js";
import {
  FEATURE_BITMAP_OFFSET,
  FEATURE_CLUSTERED,
  FEATURE_JOURNAL,
  MD_FIELD,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
} from "../ondisk/md-superblock.js";
import {
  BITMAP_SUPERBLOCK_BYTES,
  CHUNK_BYTES_MAX,
  PAGE_BYTES,
  SECTOR_BYTES,
  type SlotGeometry,
  slotGeometry,
  slotSector,
} from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { type MemberSource, readWhole } from "./member-source.js";

export interface MemberBitmap {
  readonly geometry: SlotGeometry;
  /** One a slot; one for the array's only bitmap where there is no cluster. */
  readonly slots: readonly LocatedBitmapSuperblock[];
}

/**
 * @returns null where the array has no internal bitmap
 * @throws SlotmarkError kind `input`: `truncated`, or the code of the check that failed
 */
export async function readMemberBitmap(
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
  const first = await readSlotSuperblock(source, superblock, 0, firstSector);
  await checkSecondSlot(source, superblock, first);
  checkNodes(first);
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
    const located = await readSlotSuperblock(source, superblock, slot, slotSector(geometry, slot));
    checkSlotsAgree(first, located);
    slots.push(located);
  }
  return { geometry, slots };
}

async function readSlotSuperblock(
  source: MemberSource,
  { setUuid, featureMap }: MdSuperblock,
  slot: number,
  sector: number,
): Promise<LocatedBitmapSuperblock> {
  const offsetBytes = sector * SECTOR_BYTES;
  const where = bitmapSuperblockOf(slot);
  const bytes = await readWhole(source, offsetBytes, BITMAP_SUPERBLOCK_BYTES, where);
  const located = {
    origin: { member: source.path, offsetBytes },
    slot,
    superblock: parseBitmapSuperblock(bytes),
  };
  const clustered = (featureMap & FEATURE_CLUSTERED) !== 0;
  checkBitmapSuperblock(located.superblock, { origin: located.origin, slot, setUuid, clustered });
  return located;
}

/**
 * Slot 0 says where slot 1 lies and whether there is one. So that a damaged slot 0 is told from a missing slot 1, slot 1
 * is looked for first where slot 0 says, then where any other chunk size would put it; where found, the two must agree.
 */
async function checkSecondSlot(
  source: MemberSource,
  superblock: MdSuperblock,
  first: LocatedBitmapSuperblock,
): Promise<void> {
  if (first.superblock.version !== BITMAP_VERSION_CLUSTERED) return;
  const chunkSizes = [first.superblock.chunkBytes];
  for (let chunkBytes = CHUNK_BYTES_MIN; chunkBytes <= CHUNK_BYTES_MAX; chunkBytes *= 2) {
    chunkSizes.push(chunkBytes);
  }
  const firstSector = first.origin.offsetBytes / SECTOR_BYTES;
  const syncSectors = Number(
    superblock.level === 1 ? superblock.sizeSectors : first.superblock.syncSizeSectors,
  );
  const sectors = new Set(
    chunkSizes.map((chunkBytes) => firstSector + slotBytes(syncSectors, chunkBytes) / SECTOR_BYTES),
  );
  for (const sector of sectors) {
    if (sector >= Number(superblock.dataOffsetSectors)) continue;
    const bytes = await source.readAt(sector * SECTOR_BYTES, BITMAP_SUPERBLOCK_BYTES);
    if (bytes.length < BITMAP_SUPERBLOCK_BYTES) continue;
    const { magic, uuid } = parseBitmapSuperblock(bytes);
    if (magic !== BITMAP_MAGIC || uuidText(uuid) !== uuidText(superblock.setUuid)) continue;
    checkSlotsAgree(first, await readSlotSuperblock(source, superblock, 1, sector));
    return;
  }
}

function slotBytes(syncSizeSectors: number, chunkBytes: number): number {
  const chunks = Math.ceil((syncSizeSectors * SECTOR_BYTES) / chunkBytes);
  return Math.ceil((Math.ceil(chunks / 8) + BITMAP_SUPERBLOCK_BYTES) / PAGE_BYTES) * PAGE_BYTES;
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
