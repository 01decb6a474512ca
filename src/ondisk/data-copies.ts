/**
 * Where the copies of an array sector lie on its members: raid1 keeps it at the same place on every one, raid10 with n
 * near copies puts the copies of one raid chunk on n neighbouring members (raid10.c `__raid10_find_phys`). Pure.
 */
import type { ArrayShape } from "./array-size.js";

export interface DataCopy {
  /** The member's place in the array, from 0. */
  readonly role: number;
  /** From the start of the member's data area. */
  readonly memberSector: number;
}

export interface DataCopies {
  /** Every copy of one array sector. */
  copiesOf(arraySector: number): DataCopy[];
  /** Sectors from `arraySector` on whose copies lie together on the same members. */
  sectorsTogether(arraySector: number): number;
}

/** @returns undefined for a layout that no clustered array has (raid10 with far copies, another level) */
export function dataCopies(shape: ArrayShape): DataCopies | undefined {
  const { level, layout, raidDisks, raidChunkSectors } = shape;
  if (level === 1) {
    const roles = Array.from({ length: raidDisks }, (_, role) => role);
    return {
      copiesOf: (memberSector) => roles.map((role) => ({ role, memberSector })),
      sectorsTogether: () => Number.POSITIVE_INFINITY,
    };
  }
  const near = layout & 0xff;
  if (level !== 10 || ((layout >> 8) & 0xff) !== 1 || near < 1 || raidChunkSectors < 1) return undefined;
  return {
    copiesOf(arraySector) {
      const first = Math.floor(arraySector / raidChunkSectors) * near;
      return Array.from({ length: near }, (_, copy) => ({
        role: (first + copy) % raidDisks,
        memberSector:
          Math.floor((first + copy) / raidDisks) * raidChunkSectors + (arraySector % raidChunkSectors),
      }));
    },
    sectorsTogether: (arraySector) => raidChunkSectors - (arraySector % raidChunkSectors),
  };
}
