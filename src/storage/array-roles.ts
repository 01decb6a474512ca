/** Which of the members are in sync, as the newest superblock and each member's own say. */
import {
  FEATURE_RECOVERY_OFFSET,
  MAX_SECTOR,
  type MdSuperblock,
  ROLE_SPARE,
} from "../ondisk/md-superblock.js";
import { isPlace } from "./array-places.js";
import type { MemberMetadata } from "./member-metadata.js";
import type { MemberSource } from "./member-source.js";
import { newestOf } from "./members-agree.js";

const FEATURE_RECOVERY_BITMAP = 128;
/** What md forgives at assembly: a crash between the superblocks of two members leaves one event between them. */
const EVENTS_BEHIND_FORGIVEN = 1n;

export interface ReadMember {
  readonly source: MemberSource;
  readonly metadata: MemberMetadata;
}

/** A member that holds a copy of the array's data. */
export interface ActiveMember extends ReadMember {
  readonly role: number;
  /** Its whole data area is a copy; false: it is being recovered. */
  readonly inSync: boolean;
  /** Sectors of its data area that are a copy wherever no bit is set. */
  readonly copySectors: number;
}

export interface ArrayRoles {
  /** The one with the most events: it says who has which role. */
  readonly newest: MemberMetadata;
  readonly active: readonly ActiveMember[];
  /** An active place of the array is empty, faulty or being recovered: bits stay set until it is filled. */
  readonly degraded: boolean;
  /** Active by the newest superblock, but too far behind it to be in sync. */
  readonly behind: readonly ReadMember[];
  /** Spares, faulty members and those that the array has forgotten: their data is no copy. */
  readonly others: readonly ReadMember[];
}

/** @param members of one array; at least one */
export function arrayRoles(members: readonly ReadMember[]): ArrayRoles | undefined {
  const newest = newestOf(members.map(({ metadata }) => metadata));
  if (newest === undefined) return undefined;
  const { roles, raidDisks, events } = newest.superblock;
  const active: ActiveMember[] = [];
  const behind: ReadMember[] = [];
  const others: ReadMember[] = [];
  for (const member of members) {
    const { superblock } = member.metadata;
    const role = roles[superblock.devNumber] ?? ROLE_SPARE;
    if (!isPlace(role)) others.push(member);
    else if (superblock.events + EVENTS_BEHIND_FORGIVEN < events) behind.push(member);
    else active.push({ ...member, role, ...recovered(superblock) });
  }
  const named = new Set(members.map(({ metadata }) => metadata.superblock.devNumber));
  const filled = new Set([
    ...active.filter(({ inSync }) => inSync).map(({ role }) => role),
    // Of an active device that was not named nothing but its role is known.
    ...roles.filter((role, device) => isPlace(role) && !named.has(device)),
  ]);
  const degraded = Array.from({ length: raidDisks }, (_, role) => role).some((role) => !filled.has(role));
  return { newest, active, degraded, behind, others };
}

/** Without the spares behind the last device that has another role; `max_dev` may be any. */
export function trimmedRoles({ roles }: MdSuperblock): readonly number[] {
  return roles.slice(0, roles.findLastIndex((role) => role !== ROLE_SPARE) + 1);
}

/**
 * `recovery_offset` counts when its feature bit is set. A recovery by bitmap leaves everything behind it as it was: what
 * has no bit set is a copy there too.
 */
function recovered({ featureMap, recoveryOffset }: MdSuperblock): { inSync: boolean; copySectors: number } {
  if ((featureMap & FEATURE_RECOVERY_OFFSET) === 0 || recoveryOffset === MAX_SECTOR) {
    return { inSync: true, copySectors: Number.POSITIVE_INFINITY };
  }
  const byBitmap = (featureMap & FEATURE_RECOVERY_BITMAP) !== 0;
  return { inSync: false, copySectors: byBitmap ? Number.POSITIVE_INFINITY : Number(recoveryOffset) };
}
