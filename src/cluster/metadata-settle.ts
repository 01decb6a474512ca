/**
 * After a node's death: it may have died between two superblocks of one update, or before all had heard of it. Every
 * survivor takes the newest that lies on the members, under the token; the first that finds them different writes them
 * again. Until then a survivor may know less than what is on the members, such as a failed member, and copies from none.
 *
 * md-cluster has no such step: survivors go on with what they know.
 */
import { SlotmarkError } from "../errors.js";
import type { MdSuperblock } from "../ondisk/md-superblock.js";
import { monotonicNs } from "../storage/monotonic.js";
import { arrayFailed } from "./device-failure.js";
import { readMdSuperblock, takeMetadata } from "./metadata-reload.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";

/** Whether this node's view of the metadata is that of the members. */
export class MetadataSettling {
  private deaths = 0;
  private settledDeaths = 0;
  private running: Promise<void> | null = null;

  constructor(private readonly state: NodeState) {}

  /** Nobody is looking. */
  get idle(): boolean {
    return this.running === null;
  }

  /** To be called as soon as the death is heard of. */
  nodeDied(): void {
    if (this.state.options.variant !== "safe") return;
    this.deaths++;
    // Whoever needs it waits for it, and tries again where it failed.
    this.settled().catch(() => {});
  }

  /** Resolves once no death is left after which the members were not looked at. @throws as `updateMetadata` */
  async settled(): Promise<void> {
    while (this.settledDeaths < this.deaths) {
      this.running ??= this.settle().finally(() => {
        this.running = null;
      });
      await this.running;
    }
  }

  private async settle(): Promise<void> {
    const { state } = this;
    await state.ready;
    const atNs = monotonicNs();
    const deaths = this.deaths;
    let rewritten = false;
    const change = () => {
      rewritten = takeNewest(state);
      return rewritten;
    };
    await updateMetadata(state, { change });
    this.settledDeaths = deaths;
    state.tell({ kind: "metadataSettled", rewritten, durationNs: monotonicNs() - atNs }, atNs);
  }
}

/** @returns whether the members' superblocks differ */
function takeNewest(state: NodeState): boolean {
  const found = readSuperblocks(state);
  const newest = newestOf(found);
  if (newest === undefined) return false;
  if (Number(newest.events) > state.events) takeMetadata(state, newest);
  return found.some(({ events }) => events !== newest.events);
}

/**
 * Takes the newest metadata that lies on the members. A node that joins may have read one that failed meanwhile, whose
 * superblock nobody writes any more.
 * @throws SlotmarkError `array-failed` where no superblock can be read
 */
export function takeNewestMetadata(state: NodeState): void {
  const newest = newestOf(readSuperblocks(state));
  if (newest === undefined) throw arrayFailed(state, undefined);
  takeMetadata(state, newest);
}

function readSuperblocks(state: NodeState): MdSuperblock[] {
  const found: MdSuperblock[] = [];
  for (const { device, role, candidate } of state.members.all) {
    if (role === "faulty" || candidate) continue;
    try {
      found.push(readMdSuperblock(device));
    } catch (error) {
      // A member that fails shows it at the next write.
      if (!(error instanceof SlotmarkError)) throw error;
    }
  }
  return found;
}

function newestOf(found: readonly MdSuperblock[]): MdSuperblock | undefined {
  return found.reduce<MdSuperblock | undefined>(
    (newer, other) => (newer === undefined || other.events > newer.events ? other : newer),
    undefined,
  );
}
