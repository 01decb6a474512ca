/**
 * Is a clustered array consistent? Superblocks and slots agree; no chunk whose bit is clear in every slot differs between
 * members; no bit is left set in a slot that nobody holds. Reads only.
 *
 * Which slots are held shows nowhere on the members. `heldSlots` names those whose bits may be set: of running nodes,
 * and of dead ones that nobody has recovered yet. Bits of a degraded array and of one that was never started stay too.
 */
import { SlotmarkError } from "../errors.js";
import { arrayRoles, type ReadMember } from "./array-roles.js";
import type { Consistency, ConsistencyFindings, ConsistencyRequest } from "./consistency-findings.js";
import { judgeBits } from "./judge-bits.js";
import { judgeSuperblocks, noteUnchecked } from "./judge-superblocks.js";
import { readMemberMetadata } from "./member-metadata.js";
import { type MemberSource, openMemberSource } from "./member-source.js";
import { checkAgreesWith } from "./members-agree.js";

/** @throws SlotmarkError `device`/`member-failed`; `slot-not-there` for a held slot that the array has not */
export async function checkConsistency(request: ConsistencyRequest): Promise<Consistency> {
  const findings: ConsistencyFindings = { violations: [], notes: [] };
  const members = await readMembers(request.members, findings);
  const roles = arrayRoles(members);
  if (roles === undefined) return findings;
  judgeSuperblocks(roles, findings);
  noteUnchecked(members, roles, findings);
  const { bitmap } = roles.newest;
  if (bitmap === null) {
    findings.notes.push("the array has no bitmap, so its data was not compared");
    return findings;
  }
  requireSlots(request.heldSlots ?? [], bitmap.slots.length);
  await judgeBits(request, roles, bitmap.geometry, findings);
  return findings;
}

/** The same for members that are named by their paths. @throws SlotmarkError as `openMemberSource` besides */
export async function checkConsistencyOf(
  paths: readonly string[],
  request: Omit<ConsistencyRequest, "members"> = {},
): Promise<Consistency> {
  const members: MemberSource[] = [];
  try {
    for (const path of paths) members.push(await openMemberSource(path));
    return await checkConsistency({ ...request, members });
  } finally {
    await Promise.all(members.map((member) => member.close()));
  }
}

/** Members whose superblocks and slots are valid and belong to the first one's array. */
async function readMembers(
  sources: readonly MemberSource[],
  { violations }: ConsistencyFindings,
): Promise<ReadMember[]> {
  const members: ReadMember[] = [];
  for (const source of sources) {
    try {
      const metadata = await readMemberMetadata(source, true);
      checkAgreesWith(
        members.map((member) => member.metadata),
        metadata,
      );
      members.push({ source, metadata });
    } catch (error) {
      if (!(error instanceof SlotmarkError) || error.kind !== "input") throw error;
      violations.push({ code: error.code, message: error.message, remedy: error.remedy });
    }
  }
  return members;
}

function requireSlots(held: readonly number[], slots: number): void {
  const wrong = held.find((slot) => slot < 0 || slot >= slots);
  if (wrong === undefined) return;
  throw new SlotmarkError(
    "usage",
    "slot-not-there",
    `slot ${wrong} is not there: the array has slots 0 to ${slots - 1}`,
    "correct --held-slot",
  );
}
