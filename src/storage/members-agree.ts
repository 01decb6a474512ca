/** Whether members say the same about their array. */
import { SlotmarkError } from "../errors.js";
import { checkSlotsAgree } from "../ondisk/bitmap-superblock-check.js";
import { checkSameArray } from "../ondisk/md-superblock-check.js";
import { uuidText } from "../ondisk/uuid.js";
import type { MemberMetadata } from "./member-metadata.js";

/**
 * That all members belong to one array, each is another device of it, and their bitmaps agree.
 * @throws SlotmarkError `different-arrays`, `inconsistent`
 */
export function checkMembersAgree(members: readonly MemberMetadata[]): void {
  for (const [index, member] of members.entries()) checkAgreesWith(members.slice(0, index), member);
}

/**
 * That a member belongs to the array of those before it, is none of their devices, and says the same of the bitmap.
 * @param others agree with each other
 * @throws SlotmarkError `different-arrays`, `inconsistent`
 */
export function checkAgreesWith(others: readonly MemberMetadata[], member: MemberMetadata): void {
  const first = others[0];
  if (first === undefined) return;
  checkSameArray(first, member);
  checkBitmapsAgree(first, member);
  const device = member.superblock.devNumber;
  const same = others.find(({ superblock }) => superblock.devNumber === device);
  if (same === undefined) return;
  throw new SlotmarkError(
    "input",
    "inconsistent",
    `${same.origin.member} and ${member.origin.member} both are device ${device} of the array`,
    "one of the two is a copy of the other: name only one",
  );
}

/** That what two members say about the array's bitmap is the same. @throws SlotmarkError `inconsistent` */
export function checkBitmapsAgree(first: MemberMetadata, other: MemberMetadata): void {
  const [a, b] = [first.bitmap?.slots[0], other.bitmap?.slots[0]];
  if (a !== undefined && b !== undefined) checkSlotsAgree(a, b);
  if ((a === undefined) === (b === undefined)) return;
  const [without, having] = a === undefined ? [first, other] : [other, first];
  throw new SlotmarkError(
    "input",
    "inconsistent",
    `${without.origin.member} has no bitmap, ${having.origin.member} has one`,
    "one of the two is damaged: assemble with the members that agree",
  );
}

/** Active devices of the array that `members` lack, by device number, as the newest superblock says. */
export function missingDevices(members: readonly MemberMetadata[]): number[] {
  const newest = newestOf(members);
  const given = new Set(members.map(({ superblock }) => superblock.devNumber));
  return (newest?.superblock.roles ?? []).flatMap((role, device) =>
    role < 0xff00 && !given.has(device) ? [device] : [],
  );
}

export function newestOf(members: readonly MemberMetadata[]): MemberMetadata | undefined {
  return members.reduce<MemberMetadata | undefined>(
    (newest, member) =>
      newest === undefined || member.superblock.events > newest.superblock.events ? member : newest,
    undefined,
  );
}

/** Writing to some members of an array alone would leave the others silently behind. @throws SlotmarkError `members-incomplete` */
export function requireAllMembers(members: readonly MemberMetadata[]): void {
  const missing = missingDevices(members);
  const first = members[0];
  if (missing.length === 0 || first === undefined) return;
  throw new SlotmarkError(
    "input",
    "members-incomplete",
    `array ${uuidText(first.superblock.setUuid)} has active devices ${missing.join(", ")} besides the members that were named`,
    "name every active member of the array",
  );
}
