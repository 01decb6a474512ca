/**
 * Finding an array's devices: which of the given paths carry its superblock, and what the newest of them says.
 */

import { SlotmarkError } from "../errors.js";
import type { MdSuperblock } from "../ondisk/md-superblock.js";
import { checkSameArray } from "../ondisk/md-superblock-check.js";
import { uuidText } from "../ondisk/uuid.js";
import { type ArrayMember, memberOf, roleOf, takeRole } from "./array-members.js";
import type { ArrayStorage, MemberDevice } from "./array-storage.js";
import { readMdSuperblock, SUPERBLOCK_OFFSET_BYTES } from "./metadata-reload.js";

export interface ArrayDevices {
  readonly members: readonly ArrayMember[];
  /** Of the highest event count. */
  readonly superblock: MdSuperblock;
}

/**
 * Opens the devices. Every member path must carry the array's superblock; a visible path that does not is left alone.
 * @throws SlotmarkError what is invalid on a member; `different-arrays`, `members-incomplete`, `array-level-unsupported`
 */
export function openArrayDevices(
  storage: ArrayStorage,
  memberPaths: readonly string[],
  visiblePaths: readonly string[],
): ArrayDevices {
  const opened: ArrayMember[] = [];
  try {
    for (const path of memberPaths) opened.push(openDevice(storage, path));
    const first = opened[0];
    if (first === undefined)
      throw new SlotmarkError("usage", "no-members", "no member was named", "name the array's members");
    for (const path of visiblePaths) {
      if (memberPaths.includes(path)) continue;
      const found = openIfOfArray(storage, path, first.superblock);
      if (found !== undefined) opened.push(found);
    }
    return arrayOf(withoutNamesakes(opened));
  } catch (error) {
    for (const { device } of opened) device.close();
    throw error;
  }
}

function openDevice(storage: ArrayStorage, path: string): ArrayMember {
  const device = storage.open(path);
  try {
    return memberOf(device, readMdSuperblock(device));
  } catch (error) {
    device.close();
    throw error;
  }
}

function openIfOfArray(storage: ArrayStorage, path: string, array: MdSuperblock): ArrayMember | undefined {
  let device: MemberDevice | undefined;
  try {
    device = storage.open(path);
    const superblock = readMdSuperblock(device);
    if (uuidText(superblock.setUuid) === uuidText(array.setUuid)) return memberOf(device, superblock);
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
  }
  device?.close();
  return undefined;
}

/**
 * An add that never came to its end leaves a device behind whose number another one has got since: of two with one number
 * the newer is the array's.
 */
function withoutNamesakes(members: readonly ArrayMember[]): ArrayMember[] {
  const newer = (one: ArrayMember, other: ArrayMember) => one.superblock.events > other.superblock.events;
  return members.filter((member) => {
    const isOlder = members.some(
      (other) => other.deviceNumber === member.deviceNumber && other !== member && newer(other, member),
    );
    if (isOlder) member.device.close();
    return !isOlder;
  });
}

function arrayOf(members: readonly ArrayMember[]): ArrayDevices {
  const superblock = members
    .map((member) => member.superblock)
    .reduce((newest, other) => (other.events > newest.events ? other : newest));
  const [first, ...others] = members.map(({ device, superblock }) => ({
    origin: { member: device.path, offsetBytes: SUPERBLOCK_OFFSET_BYTES },
    superblock,
  }));
  if (first !== undefined) for (const other of others) checkSameArray(first, other);
  if (superblock.level !== 1) {
    throw new SlotmarkError(
      "input",
      "array-level-unsupported",
      `array ${uuidText(superblock.setUuid)} has level ${superblock.level}; a cluster's nodes run level 1`,
      "make the array with --level 1",
    );
  }
  for (const member of members) {
    takeRole(member, roleOf(superblock.roles[member.deviceNumber]), member.superblock);
  }
  requireActive(members, superblock);
  return { members: members.filter((member) => !isLeftBehind(member, superblock)), superblock };
}

/**
 * A spare gets every metadata update. One that is behind was prepared by an add that never came to its end (or is long
 * gone): to the nodes that run the array it is no member, so it must not be one here.
 */
function isLeftBehind(member: ArrayMember, { events }: MdSuperblock): boolean {
  if (member.role !== "spare" || member.superblock.events >= events) return false;
  member.device.close();
  return true;
}

/** A node without one of the active members would write to the others alone. */
function requireActive(members: readonly ArrayMember[], superblock: MdSuperblock): void {
  const known = new Set(members.map(({ deviceNumber }) => deviceNumber));
  const missing = superblock.roles.flatMap((role, device) =>
    typeof roleOf(role) === "number" && !known.has(device) ? [device] : [],
  );
  if (missing.length === 0) return;
  throw new SlotmarkError(
    "input",
    "members-incomplete",
    `array ${uuidText(superblock.setUuid)} has active devices ${missing.join(", ")} besides the members that were named`,
    "name every active member of the array",
  );
}
