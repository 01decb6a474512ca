/**
 * What the kernel refuses in an md superblock when it loads one (md.c `super_1_load`, spec §1.1), in its order, each
 * with its own error. Where the kernel puts several causes into one EINVAL, the order is that of its condition.
 */
import { type FieldFault, fieldError, hex, type Origin } from "./field-error.js";
import {
  FEATURE_CLUSTERED,
  FEATURE_NEW_OFFSET,
  FEATURE_RAID0_LAYOUT,
  FEATURE_RESHAPE_ACTIVE,
  FEATURES_KNOWN,
  MD_FIELD,
  MD_MAGIC,
  MD_MAX_DEVICES,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  mdChecksum,
  mdSuperblockBytes,
} from "./md-superblock.js";
import { SECTOR_BYTES } from "./slot-geometry.js";
import { uuidText } from "./uuid.js";

/** Sectors that the kernel wants behind the superblock at least. */
const DATA_SIZE_MIN_SECTORS = 10n;

export interface MdSuperblockSurroundings {
  readonly origin: Origin;
  /** Length of the member; undefined: not known, and not checked. */
  readonly memberSectors: number | undefined;
  readonly logicalBlockBytes: number;
}

/**
 * @param bytes the 4096 bytes at the superblock's place
 * @throws SlotmarkError kind `input`, one code a check
 */
export function checkMdSuperblock(
  bytes: Uint8Array,
  superblock: MdSuperblock,
  surroundings: MdSuperblockSurroundings,
): void {
  const { origin, memberSectors, logicalBlockBytes } = surroundings;
  const refuse = (fault: Omit<FieldFault, "where">): never => {
    throw fieldError(origin, { ...fault, where: "md superblock" });
  };
  if (superblock.magic !== MD_MAGIC) {
    refuse({
      code: "superblock-magic",
      field: "magic",
      at: MD_FIELD.magic,
      found: hex(superblock.magic, 8),
      expected: hex(MD_MAGIC, 8),
      remedy: "name a member of an md array with 1.2 metadata, or make one with slotmark create",
    });
  }
  if (superblock.majorVersion !== 1) {
    refuse({
      code: "superblock-version",
      field: "major_version",
      at: MD_FIELD.major_version,
      found: `${superblock.majorVersion}`,
      expected: "1",
    });
  }
  if (superblock.maxDev > MD_MAX_DEVICES) {
    refuse({
      code: "superblock-max-dev",
      field: "max_dev",
      at: MD_FIELD.max_dev,
      found: `${superblock.maxDev}`,
      expected: `at most ${MD_MAX_DEVICES}`,
    });
  }
  if (superblock.superOffsetSectors !== BigInt(MD_SUPERBLOCK_SECTOR)) {
    refuse({
      code: "superblock-super-offset",
      field: "super_offset",
      at: MD_FIELD.super_offset,
      found: `${superblock.superOffsetSectors}`,
      expected: `${MD_SUPERBLOCK_SECTOR}, its own sector`,
    });
  }
  const unknownFeatures = (superblock.featureMap & ~FEATURES_KNOWN) >>> 0;
  if (unknownFeatures !== 0) {
    refuse({
      code: "superblock-unknown-features",
      field: "feature_map",
      at: MD_FIELD.feature_map,
      found: hex(superblock.featureMap),
      expected: `no bits outside ${hex(FEATURES_KNOWN)}`,
    });
  }
  const checksum = mdChecksum(bytes);
  if (checksum !== superblock.checksum) {
    refuse({
      code: "superblock-checksum",
      field: "sb_csum",
      at: MD_FIELD.sb_csum,
      found: hex(superblock.checksum, 8),
      expected: `${hex(checksum, 8)}, the sum of the bytes there`,
      remedy: "the superblock is damaged: use another member, or let mdadm --assemble --force look at it",
    });
  }
  if (superblock.dataSizeSectors < DATA_SIZE_MIN_SECTORS) {
    refuse({
      code: "superblock-data-size-too-small",
      field: "data_size",
      at: MD_FIELD.data_size,
      found: `${superblock.dataSizeSectors} sectors`,
      expected: `at least ${DATA_SIZE_MIN_SECTORS}`,
    });
  }
  if (superblock.pad0 !== 0) {
    refuse({
      code: "superblock-padding",
      field: "pad0",
      at: MD_FIELD.pad0,
      found: hex(superblock.pad0, 8),
      expected: "0",
    });
  }
  const padding = superblock.pad3.findIndex((byte) => byte !== 0);
  if (padding >= 0) {
    refuse({
      code: "superblock-padding",
      field: "pad3",
      at: MD_FIELD.pad3 + padding,
      found: hex(superblock.pad3[padding] ?? 0, 2),
      expected: "0x00",
    });
  }
  // The kernel writes whole logical blocks, so the superblock reaches to the end of its last one.
  const superblockBytes =
    Math.ceil(mdSuperblockBytes(superblock.maxDev) / logicalBlockBytes) * logicalBlockBytes;
  const superblockEndSector = BigInt(MD_SUPERBLOCK_SECTOR + Math.floor(superblockBytes / SECTOR_BYTES));
  if (superblock.dataOffsetSectors < superblockEndSector) {
    refuse({
      code: "superblock-data-offset",
      field: "data_offset",
      at: MD_FIELD.data_offset,
      found: `sector ${superblock.dataOffsetSectors}`,
      expected: `at least sector ${superblockEndSector}, behind the superblock`,
    });
  }
  const reshaping = FEATURE_RESHAPE_ACTIVE | FEATURE_NEW_OFFSET;
  const newDataOffset = superblock.dataOffsetSectors + BigInt(superblock.newOffsetSectors);
  if ((superblock.featureMap & reshaping) === reshaping && newDataOffset < superblockEndSector) {
    refuse({
      code: "superblock-new-offset",
      field: "new_offset",
      at: MD_FIELD.new_offset,
      found: `${superblock.newOffsetSectors} sectors from data_offset ${superblock.dataOffsetSectors}`,
      expected: `at least sector ${superblockEndSector}, behind the superblock`,
    });
  }
  if ((superblock.featureMap & FEATURE_RAID0_LAYOUT) !== 0 && superblock.level !== 0) {
    refuse({
      code: "superblock-raid0-layout",
      field: "feature_map",
      at: MD_FIELD.feature_map,
      found: `${hex(superblock.featureMap)} with level ${superblock.level}`,
      expected: `bit ${hex(FEATURE_RAID0_LAYOUT)} on level 0 alone`,
    });
  }
  if (memberSectors === undefined) return;
  const dataEnd = superblock.dataOffsetSectors + superblock.dataSizeSectors;
  if (dataEnd > BigInt(memberSectors)) {
    refuse({
      code: "superblock-data-size",
      field: "data_size",
      at: MD_FIELD.data_size,
      found: `${superblock.dataSizeSectors} sectors from sector ${superblock.dataOffsetSectors}`,
      expected: `an end at or before the member's end, sector ${memberSectors}`,
      remedy: "the member is truncated or was copied short: restore its full length",
    });
  }
}

/**
 * What every member has in common with the first (`super_1_load` against a reference device), and what slotmark needs
 * besides: the size and place of a clustered bitmap.
 * @throws SlotmarkError `different-arrays` where the array's UUID differs, else `inconsistent`, naming both members
 */
export function checkSameArray(
  reference: { readonly origin: Origin; readonly superblock: MdSuperblock },
  other: { readonly origin: Origin; readonly superblock: MdSuperblock },
): void {
  const a = reference.superblock;
  const b = other.superblock;
  const differ = (code: string, field: keyof typeof MD_FIELD, found: string, expected: string): never => {
    throw fieldError(other.origin, {
      code,
      where: "md superblock",
      field,
      at: MD_FIELD[field],
      found,
      expected: `${expected} as on ${reference.origin.member}`,
      remedy: "name members of one array only; slotmark examine MEMBER... shows each one's array",
    });
  };
  const uuids = [uuidText(a.setUuid), uuidText(b.setUuid)] as const;
  if (uuids[0] !== uuids[1]) differ("different-arrays", "set_uuid", uuids[1], uuids[0]);
  const equal = (field: keyof typeof MD_FIELD, expected: number | bigint, found: number | bigint) => {
    if (expected !== found) differ("inconsistent", field, `${found}`, `${expected}`);
  };
  equal("level", a.level, b.level);
  equal("layout", a.layout, b.layout);
  equal("chunksize", a.chunkSectors, b.chunkSectors);
  equal("raid_disks", a.raidDisks, b.raidDisks);
  equal("size", a.sizeSectors, b.sizeSectors);
  equal("feature_map", a.featureMap & FEATURE_CLUSTERED, b.featureMap & FEATURE_CLUSTERED);
}
