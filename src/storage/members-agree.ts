/** Whether members say the same about their array. */
import { SlotmarkError } from "../errors.js";
import { checkSlotsAgree } from "../ondisk/bitmap-superblock-check.js";
import { checkSameArray } from "../ondisk/md-superblock-check.js";
import { uuidText } from "../ondisk/uuid.js";
import type { MemberMetadata } from "./member-metadata.js";

/**
 * That all members belong to one array and their bitmaps agree.
 * @throws SlotmarkError `different-arrays`, `inconsistent`
 */
export function checkMembersAgree(members: readonly MemberMetadata[]): void {
  const first = members[0];
  if (first === undefined) return;
  for (const [index, other] of members.entries()) {
    if (index === 0) continue;
    checkSameArray(first, other);
    const [a, b] = [first.bitmap?.slots[0], other.bitmap?.slots[0]];
    if (a !== undefined && b !== undefined) checkSlotsAgree(a, b);
    if ((a === undefined) !== (b === undefined)) {
      const [without, having] = a === undefined ? [first, other] : [other, first];
      throw new SlotmarkError(
        "input",
        "inconsistent",
        `${without.origin.member} has no bitmap, ${having.origin.member} has one`,
        "one of the two is damaged: assemble with the members that agree",
      );
    }
    const same = members
      .slice(0, index)
      .find(({ superblock }) => superblock.devNumber === other.superblock.devNumber);
    if (same !== undefined) {
      throw new SlotmarkError(
        "input",
        "inconsistent",
        `${same.origin.member} and ${other.origin.member} both are device ${other.superblock.devNumber} of the array`,
        "one of the two is a copy of the other: name only one",
      );
    }
  }
}

/** Writing to some members of an array alone would leave the others silently behind. @throws SlotmarkError `members-incomplete` */
export function requireAllMembers(members: readonly MemberMetadata[]): void {
  const newest = members.reduce((a, b) => (b.superblock.events > a.superblock.events ? b : a));
  const roles = newest.superblock.roles;
  const given = new Set(members.map(({ superblock }) => superblock.devNumber));
  const missing = roles.flatMap((role, device) => (role < 0xff00 && !given.has(device) ? [device] : []));
  if (missing.length === 0) return;
  throw new SlotmarkError(
    "input",
    "members-incomplete",
    `array ${uuidText(newest.superblock.setUuid)} has active devices ${missing.join(", ")} besides the members that were named`,
    "name every active member of the array",
  );
}
