/**
 * The size of an array from its members' size, as mdadm writes it into a bitmap's `sync_size` and as the kernel computes
 * `resync_max_sectors` (spec §1.2; raid10.c `raid10_size`). All in sectors.
 */
export type ArrayLevel = 1 | 10;

/** raid10 with two near copies: near copies in the low byte, far copies in the next. */
export const LAYOUT_NEAR_2 = 0x102;

export interface ArrayShape {
  readonly level: number;
  readonly layout: number;
  readonly raidDisks: number;
  /** Sectors of each member that the array uses. */
  readonly componentSectors: number;
  /** The raid chunk; raid10 has one. */
  readonly raidChunkSectors: number;
}

/** What mdadm puts into `sync_size`: it counts in KiB and does not round to raid chunks. */
export function mdadmSyncSizeSectors({ level, layout, raidDisks, componentSectors }: ArrayShape): number {
  if (level !== 10) return componentSectors;
  const copies = (layout & 0xff) * ((layout >> 8) & 0xff);
  return Math.floor((Math.floor(componentSectors / 2) * raidDisks) / copies) * 2;
}

/** What a running kernel covers: raid10 ends at a whole raid chunk. Equal to mdadm's for an even number of members. */
export function kernelSyncSizeSectors(shape: ArrayShape): number {
  const { level, layout, raidDisks, componentSectors, raidChunkSectors } = shape;
  if (level !== 10) return componentSectors;
  const chunks = Math.floor(Math.floor(componentSectors / raidChunkSectors) / ((layout >> 8) & 0xff));
  return Math.floor((chunks * raidDisks) / (layout & 0xff)) * raidChunkSectors;
}
