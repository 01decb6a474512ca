/**
 * Changes of the array's metadata (spec §5.6): under the token the own bitmap superblock, then every member's md
 * superblock, then METADATA_UPDATED; the others read the superblocks again before they acknowledge. What is changed is
 * decided under the token, where nothing is received and so nothing changes from outside.
 */
import { LockError } from "../dlm/lock-error.js";
import {
  FEATURE_CLUSTERED,
  FEATURE_RECOVERY_BITMAP,
  FEATURE_RECOVERY_OFFSET,
  MD_SUPERBLOCK_SECTOR,
  type MdSuperblock,
  ROLE_SPARE,
  serializeMdSuperblock,
  withChecksum,
} from "../ondisk/md-superblock.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import { type ArrayMember, isInSync, roleNumber } from "./array-members.js";
import { arrayFailed } from "./device-failure.js";
import { writeListedPages, writeTo } from "./member-output.js";
import type { Token } from "./messenger.js";
import type { NodeState } from "./node-state.js";

/** A broadcast that some node did not answer in time is sent again so often before its sender gives up. */
const BROADCAST_ATTEMPTS = 3;

export interface MetadataChange {
  /** Held already, as after NEWDISK (SEND_LOCKED_ALREADY). */
  readonly token?: Token;
  /** Changes members and superblock under the token. Returns false where there is nothing to do after all. */
  readonly change?: () => boolean | undefined;
}

/**
 * Writes the metadata as this node now has it and makes all others read it.
 * @throws LockError ETIMEDOUT where another node does not answer: the superblocks are written by then; SlotmarkError
 * `array-failed`, `node-gone`
 */
export async function updateMetadata(
  state: NodeState,
  { token, change }: MetadataChange = {},
): Promise<void> {
  const work = async (held: Token) => {
    if (change?.() === false) return;
    writeMetadata(state);
    await broadcastMetadata(state, held);
  };
  if (token === undefined) await state.messenger.withToken(work);
  else await work(token);
  state.sync.wake();
}

/** The superblocks alone, under the token, until they are written without a further member failing. */
export function writeMetadata(state: NodeState): void {
  for (;;) {
    if (state.members.inSync.length === 0) throw arrayFailed(state, undefined);
    const reported = state.members.all.filter(({ failureUnreported }) => failureUnreported);
    state.events++;
    state.arrayStateChanged();
    writeListedPages(state, state.bitmap.updateSuperblock(), "superblock");
    const targets = inWritingOrder(state);
    const roles = rolesOf(state);
    const complete = targets.map((member) => writeSuperblock(state, member, roles)).every(Boolean);
    if (!complete) continue;
    for (const member of reported) member.failureUnreported = false;
    return;
  }
}

/**
 * `safe` writes a member that lacks something before any other says that it has a place: a node that dies between the two
 * would leave one with a place whose own superblock does not say that it is to be rebuilt. md goes by the numbers.
 */
function inWritingOrder({ members, options }: NodeState): ArrayMember[] {
  const written = members.all.filter(({ role, candidate }) => role !== "faulty" && !candidate);
  if (options.variant !== "safe") return written;
  const recovering = new Set(members.recovering);
  return [...recovering, ...written.filter((member) => !recovering.has(member))];
}

async function broadcastMetadata(state: NodeState, token: Token): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await token.send({ type: "METADATA_UPDATED", raidSlot: goodDevice(state) });
    } catch (error) {
      const again = error instanceof LockError && error.errnoName === "ETIMEDOUT" && !state.gone;
      if (!again || attempt === BROADCAST_ATTEMPTS || state.options.variant !== "safe") throw error;
    }
  }
}

function goodDevice(state: NodeState): number {
  return state.members.inSync[0]?.deviceNumber ?? 0;
}

function rolesOf(state: NodeState): number[] {
  const { maxDev } = state.superblock;
  const highest = Math.max(-1, ...state.members.all.map(({ deviceNumber }) => deviceNumber));
  return Array.from({ length: Math.max(maxDev, highest + 1) }, (_, number) => {
    const member = state.members.get(number);
    return member === undefined ? ROLE_SPARE : roleNumber(member.role);
  });
}

function writeSuperblock(state: NodeState, member: ArrayMember, roles: readonly number[]): boolean {
  const superblock = superblockOf(state, member, roles);
  const { logicalBlockBytes } = member.device;
  const head = serializeMdSuperblock(superblock);
  const bytes = new Uint8Array(Math.ceil(head.length / logicalBlockBytes) * logicalBlockBytes);
  bytes.set(head);
  const atNs = monotonicNs();
  const { events } = state;
  const offsetBytes = MD_SUPERBLOCK_SECTOR * SECTOR_BYTES;
  if (!writeTo(state, member, offsetBytes, bytes, { kind: "superblock", events })) return false;
  member.superblock = superblock;
  if (member === state.members.inSync[0]) state.superblock = superblock;
  const device = member.deviceNumber;
  state.tell({ kind: "superblockWrite", device, events, durationNs: monotonicNs() - atNs }, atNs);
  return true;
}

/** As md's super_1_sync: an array that runs in a cluster is never marked clean. */
function superblockOf(state: NodeState, member: ArrayMember, roles: readonly number[]): MdSuperblock {
  const { sizeSectors } = state.superblock;
  const { dataSizeSectors } = member.superblock;
  const recovering = typeof member.role === "number" && !isInSync(member);
  const recovery = recovering ? FEATURE_RECOVERY_OFFSET | recoveryBitmap(member) : 0;
  const kept = member.superblock.featureMap & ~(FEATURE_RECOVERY_OFFSET | FEATURE_RECOVERY_BITMAP);
  return withChecksum({
    ...member.superblock,
    featureMap: kept | FEATURE_CLUSTERED | recovery,
    sizeSectors,
    dataSizeSectors: BigInt(Math.max(Number(dataSizeSectors), Number(sizeSectors))),
    raidDisks: state.superblock.raidDisks,
    recoveryOffset: recovering ? BigInt(member.recoveredSectors) : 0n,
    events: BigInt(state.events),
    utime: BigInt(Math.floor(Date.now() / 1000)),
    resyncOffset: 0n,
    maxDev: roles.length,
    roles,
  });
}

function recoveryBitmap(member: ArrayMember): number {
  return member.recoversByBitmap ? FEATURE_RECOVERY_BITMAP : 0;
}
