/**
 * One resync or rebuild of a node's array, from the work that was found to what is done when it ends (spec §4.5): every
 * window is published in the own slot's lock and told to the others before a sector of it is copied, so that their writers
 * stand still there.
 */
import type { ResyncRange } from "../dlm/lockspace.js";
import { monotonicNs } from "../storage/monotonic.js";
import { type ArrayMember, isInSync } from "./array-members.js";
import { noteBitsGo } from "./clear-needed.js";
import { type CopyMember, copyBetweenMembers } from "./copy-between-members.js";
import { copyFromSlot } from "./copy-from-slot.js";
import { wakeMdThread } from "./daemon.js";
import { memberFailed, reportFailures } from "./device-failure.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";
import { type CopyOutcome, type ResyncOutcome, resync } from "./resync.js";
import { finishRebuild, type SyncWork } from "./sync-work.js";

/** Updates of the metadata that md makes when a sync has ended: of its own, and when its thread is reaped (K_kill). */
const UPDATES_AT_END = 2;

/**
 * The caller has `resync` in EX.
 * @returns whether to look for more work at once: not where the same would be found that could not be done
 * @throws LockError where the others do not answer, SlotmarkError `array-failed`, `node-gone`; what was not copied is NEEDED
 */
export async function performSync(state: NodeState, work: SyncWork, signal: AbortSignal): Promise<boolean> {
  const atNs = monotonicNs();
  if (state.options.kernel === "mainline") await state.messenger.send({ type: "RESYNCING_START" });
  if (work.kind === "rebuild" && work.byBitmap) gatherAllBits(state);
  if (work.kind === "rebuild") noteBitsGo(state);
  const requests = state.resyncRequests;
  const outcome = await resync({
    bitmap: state.bitmap,
    ...(work.kind === "rebuild" ? { fromSector: work.fromSector, everything: !work.byBitmap } : {}),
    degraded: () => state.members.written.length < state.superblock.raidDisks,
    copy: (sector, sectors) => copy(state, work, sector, sectors),
    announce: (lowSector, highSector) => announce(state, { lowSector, highSector }),
    checkpoint: (sector) => checkpoint(state, work, sector),
    signal,
  });
  await finish(state, work, outcome, requests);
  const range = { lowSector: work.fromSector, highSector: outcome.reachedSector };
  state.tell({ kind: "resync", phase: outcome.end, ...range, durationNs: monotonicNs() - atNs }, atNs);
  switch (outcome.end) {
    case "done":
      return true;
    case "memberLost":
      await reportFailures(state);
      return true;
    case "nowhere":
      return work.kind === "resync";
    default:
      return false;
  }
}

/**
 * What a member lacks that was away: the chunks that *every* node wrote meanwhile (D3). Whoever has the lock can know them
 * from the slots alone, where every bit is set before its data is written.
 */
function gatherAllBits(state: NodeState): void {
  if (state.options.variant !== "safe") return;
  for (let slot = 0; slot < state.geometry.nodes; slot++) {
    if (slot !== state.slot) copyFromSlot(state, slot, { clear: false });
  }
}

function copy(state: NodeState, work: SyncWork, sector: number, sectors: number): CopyOutcome {
  const members = state.members.written.map((member) => new CopiedMember(member));
  const onLost = (lost: CopiedMember, error: Parameters<typeof memberFailed>[2]) =>
    memberFailed(state, lost.member, error);
  // Where members in sync may differ too, one copy serves both: the chunk counts as done afterwards.
  const purpose = state.resyncFromSector === Number.POSITIVE_INFINITY ? work.kind : "resync";
  return copyBetweenMembers({ members, purpose, onLost }, sector, sectors);
}

class CopiedMember implements CopyMember {
  constructor(readonly member: ArrayMember) {}

  get inSync(): boolean {
    return isInSync(this.member);
  }

  get dataOffsetBytes(): number {
    return this.member.dataOffsetBytes;
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    return this.member.device.read(offsetBytes, lengthBytes);
  }

  write(offsetBytes: number, bytes: Uint8Array): void {
    this.member.device.write(offsetBytes, bytes, { kind: "copy" });
  }
}

/**
 * Tells everybody that no window is open; nothing where none is.
 * @throws LockError where the others do not answer; as `updateMetadata`
 */
export async function endWindow(state: NodeState): Promise<void> {
  if (state.windowOpen) await announce(state, { lowSector: 0, highSector: 0 });
}

/** resync_info_update: the slot's lock first, for whoever joins now, then everybody. */
async function announce(state: NodeState, range: ResyncRange): Promise<void> {
  const atNs = monotonicNs();
  const opens = range.highSector > 0;
  if (opens) state.windowOpen = true;
  await state.slotLock.publishResyncRange(range);
  await state.messenger.send({ type: "RESYNCING", ...range });
  if (!opens) state.windowOpen = false;
  // A node that died meanwhile may have known of a failed member that is not to be copied from.
  await state.settling.settled();
  state.tell({ kind: "resync", phase: "announced", ...range, durationNs: monotonicNs() - atNs }, atNs);
}

/** Linux 6.1 writes all superblocks before each window; newer kernels find nothing in them that has changed (finding 13). */
async function checkpoint(state: NodeState, work: SyncWork, completedSector: number): Promise<void> {
  if (work.kind === "rebuild") work.member.recoveredSectors = completedSector;
  if (state.options.daemon === "timer") wakeMdThread(state);
  if (state.options.kernel === "6.1") await updateMetadata(state);
}

/** The order of md_reap_sync_thread: the metadata, then the range, and the lock by the caller. */
async function finish(
  state: NodeState,
  work: SyncWork,
  { end }: ResyncOutcome,
  requests: number,
): Promise<void> {
  if (state.gone) return;
  if (work.kind === "rebuild" && end === "done") await finishRebuild(state, work.member);
  // With nowhere to copy to, the chunks wait for a member to come back, and stay NEEDED.
  const complete = work.kind === "resync" && (end === "done" || end === "nowhere");
  if (complete && state.resyncRequests === requests) state.resyncFromSector = Number.POSITIVE_INFINITY;
  if (complete && state.options.kernel === "6.1") {
    for (let update = 0; update < UPDATES_AT_END; update++) await updateMetadata(state);
  }
  if (state.options.daemon === "timer") wakeMdThread(state);
  // What a node that leaves has not resynced stays suspended until another has taken over its slot.
  if (!(end === "stopped" && work.kind === "resync")) await endWindow(state);
}
