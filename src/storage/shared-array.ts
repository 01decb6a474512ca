/** The array whose nodes on several machines meet in its lockspace: its UUID and slots, read from members and nothing written. */
import { SlotmarkError } from "../errors.js";
import { uuidText } from "../ondisk/uuid.js";
import { readClusteredSuperblock } from "./clustered-superblock.js";
import { type MemberMetadata, readMemberMetadata } from "./member-metadata.js";
import { openMemberSource } from "./member-source.js";
import { checkMembersAgree } from "./members-agree.js";

export interface SharedArray {
  /** 36 characters. */
  readonly uuid: string;
  readonly slots: number;
}

/** @throws SlotmarkError `no-clustered-array`; what is invalid in a member, or differs between two */
export async function readSharedArray(paths: readonly string[]): Promise<SharedArray> {
  const members: MemberMetadata[] = [];
  for (const path of paths) {
    const source = await openMemberSource(path);
    try {
      if (readClusteredSuperblock(path) === undefined) throw noArray(path);
      members.push(await readMemberMetadata(source, false));
    } finally {
      await source.close();
    }
  }
  checkMembersAgree(members);
  const [first] = members;
  const slots = first?.bitmap?.slots.length ?? 0;
  if (first === undefined || slots < 2) throw noArray(paths.join(", "));
  return { uuid: uuidText(first.superblock.setUuid), slots };
}

function noArray(path: string): SlotmarkError {
  return new SlotmarkError(
    "input",
    "no-clustered-array",
    `there is no clustered array on ${path}`,
    "Make one first, on one of the machines: slotmark create MEMBER... --nodes SLOTS",
  );
}
