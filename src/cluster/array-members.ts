/**
 * What a node knows of each device of its array: where it is, its number and uuid, its place, and how far it is in sync.
 */
import {
  FEATURE_RECOVERY_BITMAP,
  FEATURE_RECOVERY_OFFSET,
  type MdSuperblock,
  ROLE_FAULTY,
  ROLE_SPARE,
} from "../ondisk/md-superblock.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import type { MemberDevice } from "./array-storage.js";

/** Place in the array; `spare`: known, without a place; `faulty`: it failed. */
export type MemberRole = number | "spare" | "faulty";

export interface ArrayMember {
  readonly device: MemberDevice;
  /** Index into the superblocks' roles. */
  readonly deviceNumber: number;
  readonly deviceUuid: string;
  readonly dataOffsetBytes: number;
  /** Its own superblock as last read or written; the array's fields in it may be old. */
  superblock: MdSuperblock;
  role: MemberRole;
  /** With a place: the sectors from its start that are in sync; Infinity for all of them. */
  recoveredSectors: number;
  /** Not in sync, and what it lacks are the chunks whose bits are set in some slot. */
  recoversByBitmap: boolean;
  /**
   * Without a place: the event count up to which it has everything but what the bitmaps say; null where nothing is known of
   * it.
   */
  returnedAtEvents: number | null;
  /** This node gave it its place. */
  placedHere: boolean;
  /** Announced by NEWDISK and not yet confirmed by METADATA_UPDATED. */
  candidate: boolean;
  /** It failed here and the others have not acknowledged that yet (md's Blocked): no write completes meanwhile. */
  failureUnreported: boolean;
}

/** As its own superblock has it. */
export function memberOf(device: MemberDevice, superblock: MdSuperblock): ArrayMember {
  const member: ArrayMember = {
    device,
    deviceNumber: superblock.devNumber,
    deviceUuid: uuidText(superblock.deviceUuid),
    dataOffsetBytes: Number(superblock.dataOffsetSectors) * SECTOR_BYTES,
    superblock,
    role: "spare",
    recoveredSectors: 0,
    recoversByBitmap: false,
    returnedAtEvents: null,
    placedHere: false,
    candidate: false,
    failureUnreported: false,
  };
  takeRole(member, roleOf(superblock.roles[superblock.devNumber]), superblock);
  return member;
}

/** Takes a role as the array's superblock gives it; how far the member is in sync, its own says. */
export function takeRole(member: ArrayMember, role: MemberRole, own: MdSuperblock): void {
  member.role = role;
  member.superblock = own;
  const recovering = (own.featureMap & FEATURE_RECOVERY_OFFSET) !== 0;
  member.recoveredSectors =
    typeof role !== "number" ? 0 : recovering ? Number(own.recoveryOffset) : Number.POSITIVE_INFINITY;
  member.recoversByBitmap =
    typeof role === "number" && recovering && (own.featureMap & FEATURE_RECOVERY_BITMAP) !== 0;
}

export function roleOf(number: number | undefined): MemberRole {
  if (number === ROLE_FAULTY) return "faulty";
  return number === undefined || number >= 0xff00 ? "spare" : number;
}

export function roleNumber(role: MemberRole): number {
  if (role === "faulty") return ROLE_FAULTY;
  return role === "spare" ? ROLE_SPARE : role;
}

export function isInSync(member: ArrayMember): boolean {
  return isWritten(member) && member.recoveredSectors === Number.POSITIVE_INFINITY;
}

/** Gets every write: in sync, or being brought in sync. */
export function isWritten(member: ArrayMember): boolean {
  return typeof member.role === "number" && !member.candidate;
}

/** All devices that a node knows, by their numbers. */
export class ArrayMembers {
  private readonly byNumber = new Map<number, ArrayMember>();

  /** In the order of the device numbers. */
  get all(): ArrayMember[] {
    return [...this.byNumber.values()].sort((a, b) => a.deviceNumber - b.deviceNumber);
  }

  /** In the order of their places. */
  get inSync(): ArrayMember[] {
    return this.placed.filter(isInSync);
  }

  /** In the order of their places. */
  get written(): ArrayMember[] {
    return this.placed.filter(isWritten);
  }

  /** Those with a place that still lack something. */
  get recovering(): ArrayMember[] {
    return this.written.filter((member) => !isInSync(member));
  }

  get(deviceNumber: number): ArrayMember | undefined {
    return this.byNumber.get(deviceNumber);
  }

  /** Replaces one of the same number. */
  add(member: ArrayMember): void {
    this.byNumber.set(member.deviceNumber, member);
  }

  remove(deviceNumber: number): ArrayMember | undefined {
    const member = this.byNumber.get(deviceNumber);
    this.byNumber.delete(deviceNumber);
    return member;
  }

  private get placed(): ArrayMember[] {
    return this.all
      .filter(({ role }) => typeof role === "number")
      .sort((a, b) => Number(a.role) - Number(b.role));
  }
}
