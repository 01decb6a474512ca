/**
 * Two members must be two things. Symbolic and hard links, a loop device and the file behind it, a disk and its
 * partition, two paths to one disk: all of them are one thing under two names.
 */
import { type BlockDevice, readBlockDevice } from "./block-device.js";
import { fileIdentity, readLoopDevices } from "./loop-devices.js";
import type { MemberCandidate } from "./member-candidate.js";
import { refusedMember } from "./refusal.js";
import type { SystemRoots } from "./system-roots.js";

/** What a member's bytes land on: from the thing itself down to what lies under it. */
interface Footing {
  readonly identity: string;
  /** The partition through which it is reached: two different partitions of one disk do not overlap. */
  readonly partition?: number | undefined;
}

export function refuseDuplicateMembers(candidates: readonly MemberCandidate[], roots: SystemRoots): void {
  const seen: { path: string; footings: Footing[] }[] = [];
  for (const candidate of candidates) {
    const footings = footingsOf(candidate, roots);
    const other = seen.find((earlier) => overlaps(earlier.footings, footings));
    if (other !== undefined) {
      throw refusedMember(
        "member-duplicate",
        candidate.path,
        other.path === candidate.path ? "is named twice" : `lies on the same storage as member ${other.path}`,
        "give every member a file or device of its own",
      );
    }
    seen.push({ path: candidate.path, footings });
  }
}

function footingsOf(candidate: MemberCandidate, roots: SystemRoots): Footing[] {
  switch (candidate.kind) {
    case "absent":
      return [{ identity: `absent:${candidate.realPath}` }];
    case "file":
      return [{ identity: fileIdentity(candidate.realPath) ?? `absent:${candidate.realPath}` }];
    case "block":
      return deviceFootings(candidate.device, roots);
  }
}

function deviceFootings(device: BlockDevice, roots: SystemRoots): Footing[] {
  const footings: Footing[] = [{ identity: `block:${device.number}` }];
  const partition = device.partition?.number;
  const disk = device.partition?.disk ?? device;
  if (partition !== undefined) footings.push({ identity: `block:${disk.number}`, partition });
  if (disk.wwid !== undefined) footings.push({ identity: `wwid:${disk.wwid}`, partition });
  const backing = readLoopDevices(roots).find(({ number }) => number === disk.number)?.backing;
  if (backing !== undefined) {
    footings.push({ identity: backing, partition });
    const under = backing.startsWith("block:")
      ? readBlockDevice(backing.slice("block:".length), roots)
      : undefined;
    if (under !== undefined) footings.push(...deviceFootings(under, roots));
  }
  return footings;
}

function overlaps(one: readonly Footing[], other: readonly Footing[]): boolean {
  return one.some((a) =>
    other.some(
      (b) =>
        a.identity === b.identity &&
        (a.partition === undefined || b.partition === undefined || a.partition === b.partition),
    ),
  );
}
