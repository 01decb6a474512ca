/** Who fills which place of an array, by the superblocks of its members. */
import {
  FEATURE_RECOVERY_OFFSET,
  MAX_SECTOR,
  type MdSuperblock,
  ROLE_JOURNAL,
  ROLE_SPARE,
} from "../ondisk/md-superblock.js";

/** Whether a place has no device, or one that is being recovered. */
export function isDegraded(superblocks: readonly MdSuperblock[]): boolean {
  const last = newest(superblocks);
  if (last === undefined) return false;
  const recovering = superblocks
    .filter(({ featureMap, recoveryOffset }) => {
      return (featureMap & FEATURE_RECOVERY_OFFSET) !== 0 && recoveryOffset !== MAX_SECTOR;
    })
    .map(({ devNumber }) => devNumber);
  const filled = last.roles.filter((role, device) => isPlace(role) && !recovering.includes(device));
  return new Set(filled).size < last.raidDisks;
}

/** Whether the array, by its newest superblock, still has this one's device in a place. */
export function hasPlace(superblocks: readonly MdSuperblock[], { devNumber }: MdSuperblock): boolean {
  return isPlace(newest(superblocks)?.roles[devNumber] ?? ROLE_SPARE);
}

function newest(superblocks: readonly MdSuperblock[]): MdSuperblock | undefined {
  return superblocks.reduce<MdSuperblock | undefined>(
    (found, superblock) => (found === undefined || superblock.events > found.events ? superblock : found),
    undefined,
  );
}

export function isPlace(role: number): boolean {
  return role < ROLE_JOURNAL;
}
