/**
 * The locks `bitmapNNNN`, one a slot: PW is the slot's ownership, its value block the range that the owner resyncs
 * (spec §4.1). Every node holds its own, and looks at others' when it joins or recovers.
 */
import { LockError } from "../dlm/lock-error.js";
import type { LockHandle, Lockspace } from "../dlm/lockspace.js";
import { grantedWithin } from "./lock-wait.js";

const VALUE_BLOCK_BYTES = 64;

export interface ResyncRange {
  readonly lowSector: number;
  /** 0: no resync is under way. */
  readonly highSector: number;
}

export function slotLockName(slot: number): string {
  return `bitmap${String(slot).padStart(4, "0")}`;
}

/**
 * Takes a slot: NL, then PW, for which it waits.
 * @throws LockError ETIMEDOUT, ESHUTDOWN
 */
export async function takeSlot(lockspace: Lockspace, slot: number, timeoutMs: number): Promise<OwnSlotLock> {
  const lock = await requestSlot(lockspace, slot, timeoutMs);
  try {
    const { lvb } = await convert(lock, "PW", timeoutMs);
    const own = new OwnSlotLock(slot, lock, timeoutMs);
    // The owner before may have died in the middle of a resync, which is none of this one's.
    if (lvb !== undefined && readRange(lvb).highSector > 0)
      await own.publish({ lowSector: 0, highSector: 0 });
    return own;
  } catch (error) {
    await unlock(lock);
    throw error;
  }
}

/**
 * Whether somebody has the slot: if not, this node now has it; if so, what its owner resyncs.
 * @throws LockError ETIMEDOUT, ESHUTDOWN
 */
export async function probeSlot(
  lockspace: Lockspace,
  slot: number,
  timeoutMs: number,
): Promise<{ readonly free: OwnSlotLock } | { readonly range: ResyncRange }> {
  const lock = await requestSlot(lockspace, slot, timeoutMs);
  try {
    const tried = await lock.convert("PW", { flags: ["NOQUEUE"], lvb: new Uint8Array(VALUE_BLOCK_BYTES) });
    if (tried.status === "granted") return { free: new OwnSlotLock(slot, lock, timeoutMs) };
    if (tried.status !== "EAGAIN") {
      const attempted = `converting ${lock.name} to PW: ${tried.status}`;
      throw new LockError(tried.status, "lock-refused", attempted, "join again");
    }
    const { lvb } = await convert(lock, "CR", timeoutMs);
    await convert(lock, "NL", timeoutMs);
    await unlock(lock);
    return { range: lvb === undefined ? { lowSector: 0, highSector: 0 } : readRange(lvb) };
  } catch (error) {
    await unlock(lock);
    throw error;
  }
}

/** A slot whose lock this node has in PW. Dropped, it is released. */
export class OwnSlotLock {
  constructor(
    readonly slot: number,
    private readonly lock: LockHandle,
    private readonly timeoutMs: number,
  ) {}

  /** Puts the range that this node resyncs into the value block, by a conversion from PW to PW. */
  async publish(range: ResyncRange): Promise<void> {
    const { lock, timeoutMs } = this;
    const lvb = writeRange(range);
    await grantedWithin(lock, lock.convert("PW", { lvb }), timeoutMs, `converting ${lock.name} to PW`);
  }

  async release(): Promise<void> {
    await unlock(this.lock);
  }
}

async function requestSlot(lockspace: Lockspace, slot: number, timeoutMs: number): Promise<LockHandle> {
  const name = slotLockName(slot);
  const { lock, completion } = lockspace.request(name, "NL", {
    flags: ["EXPEDITE"],
    lvb: new Uint8Array(VALUE_BLOCK_BYTES),
  });
  await grantedWithin(lock, completion, timeoutMs, `requesting ${name}`);
  return lock;
}

async function convert(lock: LockHandle, mode: "NL" | "CR" | "PW", timeoutMs: number) {
  const lvb = new Uint8Array(VALUE_BLOCK_BYTES);
  return await grantedWithin(
    lock,
    lock.convert(mode, { lvb }),
    timeoutMs,
    `converting ${lock.name} to ${mode}`,
  );
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

function writeRange({ lowSector, highSector }: ResyncRange): Uint8Array {
  const lvb = new Uint8Array(VALUE_BLOCK_BYTES);
  const view = new DataView(lvb.buffer);
  view.setBigUint64(0, BigInt(lowSector), true);
  view.setBigUint64(8, BigInt(highSector), true);
  return lvb;
}
