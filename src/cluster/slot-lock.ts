/**
 * The locks on other nodes' slots, `bitmapNNNN`: PW is the ownership of the slot, the value block the range that its owner
 * resyncs (spec §4.1, §4.2). The own slot's lock is the lockspace's `holdOwnSlot`.
 */
import { constants } from "node:os";
import { LockError } from "../dlm/lock-error.js";
import type { LockFlag } from "../dlm/lock-flag.js";
import type { LockMode } from "../dlm/lock-mode.js";
import type { Completion, LockHandle, OwnSlot, ResyncRange } from "../dlm/lockspace.js";
import { slotResource } from "../dlm/own-slot.js";
import { monotonicNs } from "../storage/monotonic.js";
import { completedWithin } from "./lock-wait.js";
import type { NodeState } from "./node-state.js";

const { EAGAIN } = constants.errno;

/** A slot of which this node has the lock in PW. Dropped, it is released. */
export interface TakenSlot {
  /** From 0. */
  readonly slot: number;
  release(): Promise<void>;
}

/** The node's own. @throws LockError ETIMEDOUT where whoever recovers it does not come to an end, ESHUTDOWN */
export async function takeOwnSlot({ lockspace, options }: NodeState): Promise<OwnSlot> {
  const { lockMs } = options.timeouts;
  const signal = AbortSignal.timeout(lockMs);
  try {
    return await lockspace.holdOwnSlot({ signal });
  } catch (error) {
    if (!signal.aborted || !(error instanceof LockError)) throw error;
    throw new LockError(
      "ETIMEDOUT",
      "slot-lock-timed-out",
      `taking ${slotResource(lockspace.slot)}: not granted within ${lockMs} ms`,
      "look for a node that recovers this slot and hangs, or raise the time-out",
    );
  }
}

/**
 * Takes another slot, waiting for whoever has it.
 * @param slot from 0
 * @throws LockError ETIMEDOUT, ESHUTDOWN
 */
export async function takeSlot(state: NodeState, slot: number): Promise<TakenSlot> {
  const lock = await requestSlot(state, slot);
  try {
    await convert(state, lock, "PW");
  } catch (error) {
    await unlock(lock);
    throw error;
  }
  return taken(slot, lock);
}

/**
 * Takes a slot whose owner is gone, waiting for whoever recovers it; null where a node has it as its own.
 * @param slot from 0
 * @param leavingNode who had the slot and may still have its lock for a while, where it leaves
 * @throws LockError ESHUTDOWN
 */
export async function takeOrphanedSlot(
  state: NodeState,
  slot: number,
  leavingNode: number | null,
): Promise<TakenSlot | null> {
  for (;;) {
    const owner = state.lockspace.members().find((member) => member.slot === slot + 1);
    if (owner !== undefined && owner.node !== leavingNode) return null;
    try {
      return await takeSlot(state, slot);
    } catch (error) {
      if (!(error instanceof LockError) || error.errnoName !== "ETIMEDOUT" || state.gone) throw error;
    }
  }
}

/**
 * Whether somebody has the slot: if not, this node now has it; if so, what its owner resyncs.
 * @param slot from 0
 * @throws LockError ETIMEDOUT, ESHUTDOWN
 */
export async function probeSlot(
  state: NodeState,
  slot: number,
): Promise<{ readonly free: TakenSlot } | { readonly range: ResyncRange }> {
  const lock = await requestSlot(state, slot);
  try {
    const tried = await convert(state, lock, "PW", ["NOQUEUE"]);
    if (tried.status === "granted") return { free: taken(slot, lock) };
    const { lvb } = await convert(state, lock, "CR");
    await convert(state, lock, "NL");
    await unlock(lock);
    return { range: readRange(lvb ?? new Uint8Array(state.lockspace.lvbBytes)) };
  } catch (error) {
    await unlock(lock);
    throw error;
  }
}

function taken(slot: number, lock: LockHandle): TakenSlot {
  return { slot, release: () => unlock(lock) };
}

async function requestSlot(state: NodeState, slot: number): Promise<LockHandle> {
  const { lockspace } = state;
  const name = slotResource(slot + 1);
  const lvb = new Uint8Array(lockspace.lvbBytes);
  const { lock, completion } = lockspace.request(name, "NL", { flags: ["EXPEDITE"], lvb });
  await ended(state, lock, completion, "NL", ["VALBLK", "EXPEDITE"]);
  return lock;
}

async function convert(
  state: NodeState,
  lock: LockHandle,
  mode: LockMode,
  flags: readonly LockFlag[] = [],
): Promise<Completion> {
  const conversion = lock.convert(mode, { flags, lvb: new Uint8Array(state.lockspace.lvbBytes) });
  return await ended(state, lock, conversion, mode, [...flags, "CONVERT", "VALBLK"]);
}

/** @throws LockError ETIMEDOUT, or what the completion says; not where NOQUEUE was refused */
async function ended(
  state: NodeState,
  lock: LockHandle,
  completion: Promise<Completion>,
  mode: LockMode,
  flags: readonly LockFlag[],
): Promise<Completion> {
  const atNs = monotonicNs();
  const how = await completedWithin(
    lock,
    completion,
    state.options.timeouts.lockMs,
    `${lock.name} in ${mode}`,
  );
  if (state.options.watchLocks) {
    const status = how.status === "granted" ? 0 : -EAGAIN;
    const durationNs = monotonicNs() - atNs;
    state.tell({ kind: "lockCall", resource: lock.name, mode, flags, status, durationNs }, atNs);
  }
  return how;
}

/** Also of one that is released or whose node is gone. */
async function unlock(lock: LockHandle): Promise<void> {
  if (lock.mode === null && !lock.outstanding) return;
  try {
    await lock.unlock({ flags: ["FORCEUNLOCK"] });
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
  }
}

function readRange(lvb: Uint8Array): ResyncRange {
  const view = new DataView(lvb.buffer, lvb.byteOffset, lvb.byteLength);
  return { lowSector: Number(view.getBigUint64(0, true)), highSector: Number(view.getBigUint64(8, true)) };
}
