/**
 * The recovery of slots whose owners died, or left in the middle of a resync (recover_bitmaps, spec §4.4). Every survivor
 * takes the slot's lock, waiting for whoever has it: the first takes over the bits and resyncs them, the others find the
 * slot clean.
 */
import { LockError } from "../dlm/lock-error.js";
import { SlotmarkError } from "../errors.js";
import { monotonicNs } from "../storage/monotonic.js";
import type { RecoveryPhase } from "./cluster-event.js";
import { type CopiedSlot, copyFromSlot } from "./copy-from-slot.js";
import { dieOf } from "./death.js";
import { resumeWriters } from "./message-handlers.js";
import type { NodeState } from "./node-state.js";
import { takeOrphanedSlot } from "./slot-lock.js";
import { needResync } from "./sync-work.js";

interface Noticed {
  readonly atNs: number;
  /** Who had the slot, where it may still have its lock for a while; null where it is dead. */
  readonly leavingNode: number | null;
}

export class SlotRecovery {
  private readonly slots = new Map<number, Noticed>();
  private running: Promise<void> | null = null;

  constructor(private readonly state: NodeState) {}

  /** No slot is left to take over. */
  get idle(): boolean {
    return this.running === null;
  }

  /** @param slot from 0, of a node that is dead */
  ownerDied(slot: number): void {
    this.recover(slot, null);
  }

  /** @param slot from 0, of a node that said BITMAP_NEEDS_SYNC and is about to leave */
  ownerLeaves(slot: number): void {
    const node = this.state.lockspace.members().find((member) => member.slot === slot + 1)?.node;
    this.recover(slot, node ?? null);
  }

  /** Resolves when no slot is left to take over. What was taken over may still have to be resynced. */
  async finished(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  private recover(slot: number, leavingNode: number | null): void {
    if (slot === this.state.slot || this.slots.has(slot)) return;
    const atNs = monotonicNs();
    this.slots.set(slot, { atNs, leavingNode });
    this.tell(slot, "noticed", 0, atNs);
    this.running ??= this.loop().finally(() => {
      this.running = null;
    });
  }

  private async loop(): Promise<void> {
    const { state } = this;
    try {
      await state.ready;
    } catch {
      return;
    }
    // Highest slot first, as the kernel looks through its map.
    for (let slot = this.highest(); slot >= 0 && !state.gone; slot = this.highest()) {
      try {
        await this.takeOver(slot);
      } catch (error) {
        dieOf(state, error);
        if (state.gone) return;
        if (!(error instanceof SlotmarkError)) throw error;
        if (error instanceof LockError && error.errnoName === "ETIMEDOUT") continue;
        this.tell(slot, "failed", 0, monotonicNs());
      }
      this.slots.delete(slot);
    }
  }

  private highest(): number {
    return Math.max(-1, ...this.slots.keys());
  }

  private async takeOver(slot: number): Promise<void> {
    const { state } = this;
    const { atNs, leavingNode } = this.slots.get(slot) ?? { atNs: 0, leavingNode: null };
    await state.settling.settled();
    // Null where another node has joined in this slot meanwhile, and loads its bits as its own.
    const taken = await takeOrphanedSlot(state, slot, leavingNode);
    let copied: CopiedSlot | null = null;
    if (taken !== null) {
      this.tell(slot, "slotLocked", 0, atNs);
      try {
        copied = this.copy(slot);
      } finally {
        await taken.release();
      }
    }
    resumeWriters(state, slot);
    if (copied !== null && needResync(state, copied.chunks))
      void this.tellEnd(slot, copied.dirtyChunks, atNs);
    else this.tell(slot, "done", 0, atNs);
  }

  private copy(slot: number): CopiedSlot {
    let atNs = monotonicNs();
    const onStep = (phase: RecoveryPhase, dirtyChunks: number) => {
      this.tell(slot, phase, dirtyChunks, atNs);
      atNs = monotonicNs();
    };
    return copyFromSlot(this.state, slot, { clear: true, onStep });
  }

  private async tellEnd(slot: number, dirtyChunks: number, noticedNs: number): Promise<void> {
    const atNs = monotonicNs();
    await this.state.sync.finished();
    this.tell(slot, "resynced", dirtyChunks, atNs);
    this.tell(slot, "done", dirtyChunks, noticedNs);
  }

  private tell(deadSlot: number, phase: RecoveryPhase, chunks: number, atNs: number): void {
    const durationNs = monotonicNs() - atNs;
    this.state.tell({ kind: "recovery", phase, deadSlot, chunks, durationNs }, atNs);
  }
}
