/** An array that was on the members before a run, which it keeps: what a run can do with it, and what it refuses. */
import { SlotmarkError } from "../errors.js";
import { type ClusteredArray, readArray } from "../storage/array.js";
import { hasPlace } from "../storage/array-places.js";
import { readClusteredSuperblock } from "../storage/clustered-superblock.js";
import type { Member } from "../storage/member.js";

/** Name of the arrays that `run` makes: it may make them anew with another chunk or node count. */
export const MADE_BY_RUN = "slotmark:run";

/**
 * @returns null where there is none, one that a run made, or one that is given up on every member
 * @throws SlotmarkError `level-unsupported`, `member-not-in-place`; as `readArray`
 */
export async function existingArray(
  members: readonly Member[],
  destroy: readonly string[],
): Promise<ClusteredArray | null> {
  if (members.every(({ path }) => destroy.includes(path))) return null;
  // Before anything else: members that a run has lost may carry another of its arrays than those that were left.
  if (members.every(({ path }) => readClusteredSuperblock(path)?.setName === MADE_BY_RUN)) return null;
  const array = await readArray(members);
  if (array === undefined || array.setName === MADE_BY_RUN) return null;
  const out = array.superblocks.findIndex((superblock) => !hasPlace(array.superblocks, superblock));
  if (out !== -1) {
    throw new SlotmarkError(
      "input",
      "member-not-in-place",
      `${array.members[out]?.path} is a spare or faulty device of its array, and has not what the others have`,
      "Leave it out, or add it to the array again and let it recover.",
    );
  }
  if (array.level !== 1) {
    throw new SlotmarkError(
      "input",
      "level-unsupported",
      `the array on these members is of level ${array.level}; run writes raid1 arrays only`,
      "Use members of a raid1 array.",
    );
  }
  return array;
}

export function originalOnExisting(): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "original-on-existing-array",
    "--variant original puts slots where these members' array has other bytes: it would damage the array",
    "Let slotmark make the members for this variant.",
  );
}

/** @throws SlotmarkError `nodes-exceed-slots`, `chunk-differs` */
export function refuseMismatch(
  array: ClusteredArray,
  point: { readonly nodes: number; readonly chunkBytes: number },
): void {
  const { nodes, chunkBytes } = array.geometry;
  if (point.nodes > nodes) {
    throw new SlotmarkError(
      "input",
      "nodes-exceed-slots",
      `${point.nodes} nodes were asked for, but the array on these members has ${nodes} slots`,
      `Use --nodes ${nodes} or fewer, or make an array with more slots.`,
    );
  }
  if (point.chunkBytes !== chunkBytes) {
    throw new SlotmarkError(
      "input",
      "chunk-differs",
      `--chunk asks for ${point.chunkBytes} bytes, but the array on these members has a bitmap chunk of ${chunkBytes} bytes`,
      "Leave --chunk out, or make the array anew with that chunk.",
    );
  }
}
