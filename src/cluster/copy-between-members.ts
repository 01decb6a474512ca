/**
 * Copies sectors from one member of a mirror to those that need them, with the errors that md lives through (spec §3.6;
 * raid1's sync_request_write): whoever cannot be read is written from another, whoever cannot be written is lost.
 */
import { SlotmarkError } from "../errors.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { CopyOutcome } from "./resync.js";

export interface CopyMember {
  /** Holds the array's data: may be read. Others are written alone. */
  readonly inSync: boolean;
  readonly dataOffsetBytes: number;
  read(offsetBytes: number, lengthBytes: number): Uint8Array;
  write(offsetBytes: number, bytes: Uint8Array): void;
}

export interface Copy<M extends CopyMember> {
  /** Those that are not faulty, in the order of their places; the first that is in sync and can be read is the source. */
  readonly members: readonly M[];
  /** `resync` writes all others, `rebuild` only those that are not in sync. */
  readonly purpose: "resync" | "rebuild";
  /** Told of a member that failed. It is to be faulty when this returns. */
  readonly onLost: (member: M, error: SlotmarkError) => void;
}

/** Sectors of the component, as `resync` asks for them. Errors that are not a device's pass through. */
export function copyBetweenMembers<M extends CopyMember>(
  { members, purpose, onLost }: Copy<M>,
  sector: number,
  sectors: number,
): CopyOutcome {
  const readable = members.filter(({ inSync }) => inSync);
  const others = purpose === "rebuild" ? members.filter(({ inSync }) => !inSync) : members;
  if (readable.length === 0 || others.every((member) => member === readable[0])) return "nowhere";
  const offsetBytes = sector * SECTOR_BYTES;
  const unreadable: M[] = [];
  for (const source of readable) {
    let bytes: Uint8Array;
    try {
      bytes = source.read(source.dataOffsetBytes + offsetBytes, sectors * SECTOR_BYTES);
    } catch (error) {
      deviceErrorOf(error);
      unreadable.push(source);
      continue;
    }
    const targets = members.filter(
      (member) => member !== source && (others.includes(member) || unreadable.includes(member)),
    );
    return writeTargets(targets, unreadable, offsetBytes, bytes, onLost) ? "copied" : "memberLost";
  }
  return "unreadable";
}

/** All of them, also where one fails. Those that could not be read have to prove now that they can. */
function writeTargets<M extends CopyMember>(
  targets: readonly M[],
  unreadable: readonly M[],
  offsetBytes: number,
  bytes: Uint8Array,
  onLost: Copy<M>["onLost"],
): boolean {
  let all = true;
  for (const target of targets) {
    const at = target.dataOffsetBytes + offsetBytes;
    try {
      target.write(at, bytes);
      if (unreadable.includes(target)) target.read(at, bytes.length);
    } catch (error) {
      onLost(target, deviceErrorOf(error));
      all = false;
    }
  }
  return all;
}

function deviceErrorOf(error: unknown): SlotmarkError {
  if (error instanceof SlotmarkError && error.kind === "device") return error;
  throw error;
}
