/**
 * The guard. Every path is examined and opened, and only when all have passed is anything made or written; a refusal
 * leaves every byte and every file as it was.
 *
 * Source: design.md, "Never harm". `--destroy` gives up contents; it never overrides that a member is in use.
 */
import { closeSync, fstatSync, statSync, unlinkSync } from "node:fs";
import { SlotmarkError } from "../errors.js";
import { watchMembers } from "./cluster-watch.js";
import { deviceUnderFile } from "./device-under-file.js";
import { refuseDuplicateMembers } from "./duplicate-members.js";
import {
  type ExistingMember,
  openExistingMember,
  refuseOpenElsewhere,
  refuseUses,
} from "./existing-member.js";
import { refuseTooLittleSpace, type SpaceNeed } from "./free-space.js";
import type { Member, OpenMembersRequest } from "./member.js";
import { type MemberCandidate, memberCandidate } from "./member-candidate.js";
import { makeFile, needsLength, refuseWithoutLength, setLength } from "./new-member.js";
import { SYSTEM_ROOTS, type SystemRoots } from "./system-roots.js";

/** Unit of `st_blocks`, whatever the filesystem's. */
const STAT_BLOCK_BYTES = 512;
/** Files without a block device under them (tmpfs) take direct writes of this size. */
const LEAST_LOGICAL_BLOCK_BYTES = 512;

/**
 * @returns the members in the order of `request.paths`, open; the caller closes them
 * @throws SlotmarkError kind `refused` (exit 2), `usage` for a `--destroy` that names no member
 */
export async function openMembers(request: OpenMembersRequest): Promise<Member[]> {
  const roots = request.roots ?? SYSTEM_ROOTS;
  const onNotice = request.onNotice ?? ((text: string) => void process.stderr.write(`${text}\n`));
  refuseStrayDestroy(request);
  const candidates = request.paths.map((path) =>
    memberCandidate(path, request.destroy.includes(path), roots),
  );
  refuseDuplicateMembers(candidates, roots);
  const toMake = candidates.filter(needsLength);
  const firstToMake = toMake[0];
  if (firstToMake !== undefined && request.createSizeBytes === undefined) refuseWithoutLength(firstToMake);
  refuseTooLittleSpace(candidates.flatMap((candidate) => spaceNeed(candidate, request.usedBytes ?? 0)));

  const existing = new Map<MemberCandidate, ExistingMember>();
  const undo: (() => void)[] = [];
  try {
    for (const candidate of candidates) {
      if (candidate.kind === "absent") continue;
      const member = openExistingMember(candidate, request.existingArray, roots);
      undo.push(() => closeSync(member.descriptor));
      existing.set(candidate, member);
    }
    if (request.watch) {
      const clustered = [...existing.values()].flatMap(({ candidate, array }) =>
        array === undefined ? [] : [{ path: candidate.path, array }],
      );
      await watchMembers(clustered, onNotice, request.signal);
    }
    for (const member of existing.values()) {
      refuseUses(member.candidate, roots); // again: the watch took its time
      refuseOpenElsewhere(member, roots);
    }
    // Every member has passed. From here on files are made.
    return candidates.map((candidate) => {
      const member = existing.get(candidate);
      const sizeBytes = request.createSizeBytes ?? 0;
      if (member === undefined) {
        const descriptor = makeFile(candidate.path, sizeBytes);
        undo.push(() => {
          closeSync(descriptor);
          unlinkSync(candidate.path);
        });
        return memberOf(candidate, descriptor, roots);
      }
      if (needsLength(candidate)) {
        undo.push(() => setLength(candidate.path, member.descriptor, 0));
        setLength(candidate.path, member.descriptor, sizeBytes);
      }
      return memberOf(candidate, member.descriptor, roots);
    });
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** A file's holes are filled by the run; a file to be made is nothing but a hole. */
function spaceNeed(candidate: MemberCandidate, usedBytes: number): SpaceNeed[] {
  if (candidate.kind === "block") return [];
  const { realPath: path } = candidate;
  if (needsLength(candidate)) return [{ path, neededBytes: usedBytes }];
  const { size, blocks } = statSync(path);
  return [{ path, neededBytes: Math.max(0, Math.min(usedBytes, size) - blocks * STAT_BLOCK_BYTES) }];
}

function refuseStrayDestroy(request: OpenMembersRequest): void {
  const stray = request.destroy.find((path) => !request.paths.includes(path));
  if (stray === undefined) return;
  throw new SlotmarkError(
    "usage",
    "destroy-names-no-member",
    `--destroy ${stray} repeats no member's path`,
    `give exactly the path of a member: ${request.paths.join(", ")}`,
  );
}

function memberOf(candidate: MemberCandidate, descriptor: number, roots: SystemRoots): Member {
  const isBlock = candidate.kind === "block";
  const device = isBlock ? candidate.device : deviceUnderFile(candidate.path, roots).device;
  let open = true;
  return {
    path: candidate.path,
    kind: isBlock ? "block" : "file",
    sizeBytes: isBlock ? candidate.device.sizeBytes : fstatSync(descriptor).size,
    logicalBlockBytes: device?.logicalBlockBytes ?? LEAST_LOGICAL_BLOCK_BYTES,
    // md on a loop device over a file would see none either.
    optimalIoBytes: isBlock ? candidate.device.optimalIoBytes : 0,
    descriptor,
    created: candidate.kind === "absent",
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
