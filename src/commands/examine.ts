/** `slotmark examine`: the superblocks of members and every slot's bitmap, read and never written. */
import type { Command } from "commander";
import { uuidText } from "../ondisk/uuid.js";
import { type MemberMetadata, readMemberMetadata } from "../storage/member-metadata.js";
import { type MemberSource, openMemberSource } from "../storage/member-source.js";
import { checkBitmapsAgree, checkMembersAgree, missingDevices, newestOf } from "../storage/members-agree.js";
import { scanSlot } from "../storage/slot-scan.js";
import { ChunkRanges } from "./chunk-ranges.js";
import { examinationJson } from "./examine-json.js";
import { examinationText } from "./examine-text.js";
import type { ExaminedMember, ExaminedSlot } from "./examined-member.js";
import { printPieces } from "./print-pieces.js";

interface ExamineOptions {
  readonly check?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function registerExamine(program: Command): void {
  program
    .command("examine")
    .description("print superblocks and every slot's bitmap")
    .argument("<member...>", "files or block devices; nothing is written")
    .option("--check", "is the array consistent? members of one array that agree, or exit code 2")
    .action(async (paths: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExamineOptions>();
      const members = await examineMembers(paths, options.check ?? false);
      // Nothing is printed before everything has been read: stdout holds one document or none.
      await printPieces(options.json ? examinationJson(members) : examinationText(members));
      if (options.check && !options.json) process.stdout.write(`\n${consistencyText(members)}\n`);
      if (options.quiet) return;
      for (const note of notesOf(members, options.check ?? false)) process.stderr.write(`note: ${note}\n`);
    });
}

/**
 * @param check members have to be one array; otherwise only members of the same array have to agree about its bitmap
 * @throws SlotmarkError what is invalid or inconsistent
 */
export async function examineMembers(paths: readonly string[], check: boolean): Promise<ExaminedMember[]> {
  const sources: MemberSource[] = [];
  try {
    for (const path of paths) sources.push(await openMemberSource(path));
    const metadata: MemberMetadata[] = [];
    for (const source of sources) metadata.push(await readMemberMetadata(source, true));
    if (check) checkMembersAgree(metadata);
    else checkSameArraysAgree(metadata);
    const members: ExaminedMember[] = [];
    for (const [index, source] of sources.entries()) {
      const found = metadata[index];
      if (found !== undefined) members.push({ metadata: found, slots: await examineSlots(source, found) });
    }
    return members;
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}

async function examineSlots(source: MemberSource, metadata: MemberMetadata): Promise<ExaminedSlot[]> {
  const slots: ExaminedSlot[] = [];
  if (metadata.bitmap === null) return slots;
  const { geometry, slots: superblocks } = metadata.bitmap;
  for (const { slot } of superblocks) {
    const ranges = new ChunkRanges();
    const dirtyChunks = await scanSlot(source, geometry, slot, metadata.metadataImage, (first, last) =>
      ranges.push(first, last),
    );
    slots.push({ dirtyChunks, ranges });
  }
  return slots;
}

function checkSameArraysAgree(members: readonly MemberMetadata[]): void {
  const firsts = new Map<string, MemberMetadata>();
  for (const member of members) {
    const uuid = uuidText(member.superblock.setUuid);
    const first = firsts.get(uuid);
    if (first === undefined) firsts.set(uuid, member);
    else checkBitmapsAgree(first, member);
  }
}

/** That the checks passed, and over what. */
function consistencyText(members: readonly ExaminedMember[]): string {
  const first = members[0]?.metadata;
  const slots = first?.bitmap?.slots.length ?? 0;
  return `consistent: ${members.length === 1 ? "1 member" : `${members.length} members`} of array ${uuidText(first?.superblock.setUuid ?? new Uint8Array())}, ${slots === 1 ? "1 slot" : `${slots} slots`}`;
}

/** What is worth knowing and no error. */
function notesOf(members: readonly ExaminedMember[], check: boolean): string[] {
  const metadata = members.map((member) => member.metadata);
  const notes = metadata
    .filter(({ metadataImage }) => metadataImage)
    .map(({ origin }) => `${origin.member} ends before its data: it holds metadata alone and is no member`);
  if (!check) return notes;
  const missing = missingDevices(metadata);
  if (missing.length > 0) {
    notes.push(`devices ${missing.join(", ")} of the array are active and were not named, so not checked`);
  }
  const newest = newestOf(metadata);
  for (const { origin, superblock } of metadata) {
    if (newest !== undefined && superblock.events < newest.superblock.events) {
      notes.push(
        `${origin.member} is behind: its events are ${superblock.events}, those of ${newest.origin.member} ${newest.superblock.events}`,
      );
    }
  }
  const first = members[0];
  for (const other of members.slice(1)) {
    const slot = first?.slots.findIndex((bits, index) => !sameBits(bits, other.slots[index])) ?? -1;
    if (slot >= 0) {
      notes.push(
        `slot ${slot} has other dirty chunks on ${other.metadata.origin.member} than on ${first?.metadata.origin.member}: a node writes members one by one, so a running or crashed one leaves this`,
      );
    }
  }
  return notes;
}

function sameBits(a: ExaminedSlot, b: ExaminedSlot | undefined): boolean {
  if (b === undefined || a.dirtyChunks !== b.dirtyChunks || a.ranges.length !== b.ranges.length) return false;
  const others = b.ranges.slice();
  for (const [first, last] of a.ranges.slice()) {
    const other = others.next().value;
    if (other === undefined || other[0] !== first || other[1] !== last) return false;
  }
  return true;
}
