/**
 * Whether what lies on a member may be overwritten: nothing, a clustered array under the caller's rule, or whatever
 * `--destroy` gave up.
 */
import { type ClusteredSuperblock, SUPERBLOCK_OFFSET_BYTES } from "./clustered-superblock.js";
import type { MemberCandidate } from "./member-candidate.js";
import { destroyRemedy, refusedMember } from "./refusal.js";
import { readSignatureAt, readSignatures, type Signature } from "./signatures.js";

const PARTITION_TABLES = new Set(["gpt", "PMBR", "dos", "bsd", "mac", "sgi", "sun", "atari"]);

type PresentCandidate = MemberCandidate & { kind: "file" | "block" };

export function refuseContents(
  candidate: PresentCandidate,
  array: ClusteredSuperblock | undefined,
  existingArray: "keep" | "refuse",
): void {
  if (candidate.destroy) return;
  const { path } = candidate;
  if (candidate.kind === "file" && candidate.stat.blocks === 0) return; // empty, or nothing but a hole
  const signatures = readSignatures(path);
  if (array === undefined) {
    refuseSignatures(path, signatures);
    if (candidate.kind === "block") return;
    throw refusedMember(
      "member-not-empty",
      path,
      `is a file of ${candidate.stat.size} bytes that slotmark did not make`,
      destroyRemedy(path),
    );
  }
  if (existingArray === "refuse") {
    throw refusedMember(
      "member-array-exists",
      path,
      "carries a clustered md array already",
      destroyRemedy(path),
    );
  }
  refuseSignatures(
    path,
    signatures.filter((signature) => !isSuperblockOf12(signature)),
  );
  const inside = readSignatureAt(path, array.dataOffsetBytes);
  if (inside !== undefined) {
    throw refusedMember(
      "member-signature",
      path,
      `carries a clustered md array with data on it (${inside} at byte ${array.dataOffsetBytes}, where its data begins)`,
      destroyRemedy(path),
    );
  }
}

function isSuperblockOf12(signature: Signature): boolean {
  return signature.type === "linux_raid_member" && signature.offsetBytes === SUPERBLOCK_OFFSET_BYTES;
}

function refuseSignatures(path: string, signatures: readonly Signature[]): void {
  if (signatures.length === 0) return;
  const table = signatures.some(({ type }) => PARTITION_TABLES.has(type));
  const list = signatures.map(({ type, offsetBytes }) => `${type} at byte ${offsetBytes}`).join(", ");
  throw refusedMember(
    table ? "member-partitioned" : "member-signature",
    path,
    table ? `is the whole of a partitioned disk (${list})` : `is not empty: it carries ${list}`,
    destroyRemedy(path),
  );
}
