/** What superblocks that are valid each by itself must say alike, and what stays unchecked for want of a member. */
import type { MdSuperblock } from "../ondisk/md-superblock.js";
import { type ArrayRoles, type ReadMember, trimmedRoles } from "./array-roles.js";
import type { ConsistencyFindings } from "./consistency-findings.js";
import { missingDevices } from "./members-agree.js";

export function judgeSuperblocks(
  { newest, active, behind }: ArrayRoles,
  findings: ConsistencyFindings,
): void {
  for (const { source, metadata } of behind) {
    const { devNumber, events } = metadata.superblock;
    findings.violations.push({
      code: "superblock-behind",
      remedy:
        "the array went on without this member and does not say so: add it again (mdadm --re-add) on a node that runs the array",
      message: `${source.path}: md superblock: events is ${events}, expected ${newest.superblock.events} as on ${newest.origin.member}, which calls it device ${devNumber} in role ${newest.superblock.roles[devNumber]}`,
    });
  }
  for (const { source, metadata } of active) {
    const { superblock } = metadata;
    if (superblock.events < newest.superblock.events) {
      findings.notes.push(
        `${source.path} is one event behind ${newest.origin.member}, as a crash between two superblock writes leaves it`,
      );
      continue;
    }
    for (const [field, expected, found] of differences(newest.superblock, superblock)) {
      findings.violations.push({
        code: "superblocks-disagree",
        remedy: "one of the two is damaged: assemble with the members that agree",
        message: `${source.path}: md superblock: ${field} is ${found}, expected ${expected} as on ${newest.origin.member} at the same events, ${superblock.events}`,
      });
    }
  }
}

/** What every superblock of one update says alike. */
function differences(
  reference: MdSuperblock,
  other: MdSuperblock,
): (readonly [field: string, expected: string, found: string])[] {
  const fields = (superblock: MdSuperblock) =>
    [
      ["dev_roles", trimmedRoles(superblock).join(" ")],
      ["resync_offset", `${superblock.resyncOffset}`],
      ["reshape_position", `${superblock.reshapePosition}`],
    ] as const;
  const found = fields(other);
  return fields(reference).flatMap(([field, expected], index) => {
    const value = found[index]?.[1] ?? "";
    return value === expected ? [] : [[field, expected, value] as const];
  });
}

/** Members whose data is not compared, and why. */
export function noteUnchecked(
  members: readonly ReadMember[],
  { active, others, degraded }: ArrayRoles,
  { notes }: ConsistencyFindings,
): void {
  for (const { source, metadata } of members) {
    if (metadata.metadataImage) {
      notes.push(
        `${source.path} ends before its data: it holds metadata alone, and its data was not compared`,
      );
    }
  }
  for (const { source } of others) {
    notes.push(`${source.path} is no active member of the array, so its bits and data count for nothing`);
  }
  for (const { source, inSync } of active) {
    if (!inSync) notes.push(`${source.path} is being recovered, so only what it holds already was compared`);
  }
  const missing = missingDevices(members.map(({ metadata }) => metadata));
  if (missing.length > 0) {
    notes.push(`devices ${missing.join(", ")} of the array are active and were not named, so not checked`);
  }
  if (degraded) notes.push("the array is degraded: bits stay set until the missing member is back");
}
