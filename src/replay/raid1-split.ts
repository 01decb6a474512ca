/**
 * How md cuts up what an application writes (finding 8): into pieces of at most max_sectors, none across a unit of the resync barrier,
 * and into plugs that flush themselves when they hold too many bios for the members.
 */

/** `BLK_DEF_MAX_SECTORS` of the array's queue: 1280 KiB. */
const MAX_SECTORS = 2560;
/** Spec §3.2: `BARRIER_UNIT_SECTOR_SIZE`, 64 MiB. */
const BARRIER_UNIT_SECTORS = 131072;
/** Spec §3.2: a plug flushes itself at this many bios for each of twice the members. */
const PLUG_BIOS = 32;

export interface Piece {
  readonly sector: number;
  readonly sectors: number;
}

export function* piecesOf(sector: number, sectors: number): Generator<Piece> {
  const end = sector + sectors;
  for (let at = sector; at < end; ) {
    const unitEnd = (Math.floor(at / BARRIER_UNIT_SECTORS) + 1) * BARRIER_UNIT_SECTORS;
    const length = Math.min(MAX_SECTORS, unitEnd - at, end - at);
    yield { sector: at, sectors: length };
    at += length;
  }
}

/** Member bios at which a plug on an array of `members` flushes itself. */
export function plugLimit(members: number): number {
  return PLUG_BIOS * 2 * members;
}
