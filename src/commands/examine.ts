/** `slotmark examine`: the superblocks of members and every slot's bitmap, read and never written. */
import type { Command } from "commander";
import { uuidText } from "../ondisk/uuid.js";
import { type MemberMetadata, readMemberMetadata } from "../storage/member-metadata.js";
import { type MemberSource, openMemberSource } from "../storage/member-source.js";
import { checkBitmapsAgree } from "../storage/members-agree.js";
import { scanSlot } from "../storage/slot-scan.js";
import { checkArray } from "./check-array.js";
import { ChunkRanges } from "./chunk-ranges.js";
import { examinationJson } from "./examine-json.js";
import { examinationText } from "./examine-text.js";
import type { ExaminedMember, ExaminedSlot } from "./examined-member.js";
import { printPieces } from "./print-pieces.js";
import { repeatedOption } from "./repeated-option.js";

interface ExamineOptions {
  readonly check?: boolean;
  readonly heldSlot: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function registerExamine(program: Command): void {
  program
    .command("examine")
    .description("print superblocks and every slot's bitmap")
    .argument("<member...>", "files or block devices; nothing is written")
    .option("--check", "is the array consistent? compares superblocks, slots and data; exit code 2 where not")
    .addOption(
      repeatedOption(
        "--held-slot <n>",
        "with --check: bits may be set in this slot; repeat for each",
        "none",
      ),
    )
    .action(async (paths: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExamineOptions>();
      const checked = options.check ? await checkArray(paths, options) : undefined;
      if (checked === "interrupted") return;
      const members = await examineMembers(paths);
      // Nothing is printed before everything has been read: stdout holds one document or none.
      await printPieces(options.json ? examinationJson(members) : examinationText(members));
      if (checked !== undefined && !options.json) process.stdout.write(`\n${checkedText(members)}\n`);
      if (options.quiet) return;
      const notes =
        checked === undefined
          ? metadataImageNotes(members)
          : [...checked.notes, ...differingSlotNotes(members)];
      for (const note of notes) process.stderr.write(`note: ${note}\n`);
    });
}

/**
 * Members of the same array have to agree about its bitmap.
 * @throws SlotmarkError what is invalid or inconsistent
 */
export async function examineMembers(paths: readonly string[]): Promise<ExaminedMember[]> {
  const sources: MemberSource[] = [];
  try {
    for (const path of paths) sources.push(await openMemberSource(path));
    const metadata: MemberMetadata[] = [];
    for (const source of sources) metadata.push(await readMemberMetadata(source, true));
    checkSameArraysAgree(metadata);
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
function checkedText(members: readonly ExaminedMember[]): string {
  const first = members[0]?.metadata;
  const slots = first?.bitmap?.slots.length ?? 0;
  return `consistent: ${members.length === 1 ? "1 member" : `${members.length} members`} of array ${uuidText(first?.superblock.setUuid ?? new Uint8Array())}, ${slots === 1 ? "1 slot" : `${slots} slots`}`;
}

function metadataImageNotes(members: readonly ExaminedMember[]): string[] {
  return members
    .filter(({ metadata }) => metadata.metadataImage)
    .map(
      ({ metadata }) =>
        `${metadata.origin.member} ends before its data: it holds metadata alone and is no member`,
    );
}

function differingSlotNotes(members: readonly ExaminedMember[]): string[] {
  const first = members[0];
  return members.slice(1).flatMap((other) => {
    const slot = first?.slots.findIndex((bits, index) => !sameBits(bits, other.slots[index])) ?? -1;
    if (slot < 0) return [];
    return [
      `slot ${slot} has other dirty chunks on ${other.metadata.origin.member} than on ${first?.metadata.origin.member}: a node writes members one by one, so a running or crashed one leaves this`,
    ];
  });
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
