/** What the bits of all slots owe to the data: clear everywhere only where copies are equal, set only while needed. */
import { dataCopies } from "../ondisk/data-copies.js";
import { SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import type { ArrayRoles } from "./array-roles.js";
import { CopyComparer, type DifferingCopies } from "./compare-copies.js";
import type { ConsistencyFindings, ConsistencyRequest, Violation } from "./consistency-findings.js";
import { readSlotUnion } from "./slot-union.js";

export async function judgeBits(
  request: ConsistencyRequest,
  roles: ArrayRoles,
  geometry: SlotGeometry,
  findings: ConsistencyFindings,
): Promise<void> {
  const comparer = comparerOf(request, roles, geometry, findings);
  const { dirty } = await readSlotUnion(
    roles.active.filter(({ inSync }) => inSync),
    geometry,
    async (first, last) => {
      await comparer?.compareChunks(first, last);
    },
  );
  if (comparer?.differing !== undefined) findings.violations.push(cleanChunkDiffers(comparer.differing));
  const excuse = excuseOf(roles);
  for (const [slot, chunks] of dirty.entries()) {
    if (chunks.count === 0) continue;
    const held = request.heldSlots?.includes(slot) ?? false;
    if (held || excuse !== undefined) {
      findings.notes.push(`slot ${slot} has ${chunks} set: ${held ? "it is held" : excuse}`);
      continue;
    }
    findings.violations.push({
      code: "bits-left-set",
      message: `slot ${slot} has bits set for ${chunks}; nobody holds it, and every member is active`,
      remedy: `start the array, so that its first node resyncs these chunks; where a node holds slot ${slot}, or died and nobody has recovered it yet, say --held-slot ${slot}`,
      slot,
      chunks: chunks.count,
      ranges: chunks.ranges,
    });
  }
}

function comparerOf(
  { signal, onProgress }: ConsistencyRequest,
  { active, newest }: ArrayRoles,
  geometry: SlotGeometry,
  { notes }: ConsistencyFindings,
): CopyComparer | undefined {
  const { level, layout, raidDisks, chunkSectors, sizeSectors } = newest.superblock;
  const members = active.filter(({ metadata }) => !metadata.metadataImage);
  if (members.length < 2) return undefined;
  const copies = dataCopies({
    level,
    layout,
    raidDisks,
    raidChunkSectors: chunkSectors,
    componentSectors: Number(sizeSectors),
  });
  if (copies === undefined) {
    notes.push(`data of level ${level} with layout 0x${layout.toString(16)} is not compared`);
    return undefined;
  }
  return new CopyComparer({
    geometry,
    copies,
    members,
    signal,
    onProgress: (sectors) => onProgress?.(sectors, geometry.syncSizeSectors),
  });
}

/** Why bits may be set in a slot that nobody holds. */
function excuseOf({ degraded, newest }: ArrayRoles): string | undefined {
  if (degraded) return "the array is degraded";
  const slots = newest.bitmap?.slots ?? [];
  const neverStarted =
    newest.superblock.events === 0n && slots.every(({ superblock }) => superblock.events === 0n);
  return neverStarted ? "the array was never started, and its first node will see to it" : undefined;
}

function cleanChunkDiffers({ chunks, first }: DifferingCopies): Violation {
  const [a, b] = first.members;
  const [atA, atB] = first.offsetsBytes;
  return {
    code: "clean-chunk-differs",
    message: `members differ in ${chunks}, whose bits are clear in every slot; first ${a} at byte ${atA} (sector ${Math.floor(atA / SECTOR_BYTES)}) and ${b} at byte ${atB}`,
    remedy:
      "no resync will find this: decide which member is right, then fail, remove, wipe and add the other, or repair the array (echo repair > md/sync_action)",
    chunks: chunks.count,
    ranges: chunks.ranges,
  };
}
