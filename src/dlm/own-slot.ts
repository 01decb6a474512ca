/**
 * The lock of a node's own slot, `bitmapNNNN`, and the resync range in its value block (spec §4.1, §4.5).
 */
import { LockError } from "./lock-error.js";
import type { Completion, Lockspace, OwnSlot, PublishedResyncRange, ResyncRange } from "./lockspace.js";

/** Low and high sector, 64 bits each, little-endian. */
const RANGE_BYTES = 16;
const MOST_SLOTS = 10_000;

/** @param slot from 1; the resource counts from 0, as md does */
export function slotResource(slot: number): string {
  if (!Number.isInteger(slot) || slot < 1 || slot > MOST_SLOTS) {
    throw new LockError("EINVAL", "dlm-slot", `there is no slot ${String(slot)}`, "Slots count from 1.");
  }
  return `bitmap${String(slot - 1).padStart(4, "0")}`;
}

/** @throws LockError EINVAL for what is no range of sectors */
function rangeBytes({ lowSector, highSector }: ResyncRange): Uint8Array {
  if (!Number.isSafeInteger(lowSector) || !Number.isSafeInteger(highSector) || lowSector < 0) {
    throw badRange(`sectors ${String(lowSector)} to ${String(highSector)} are not whole numbers from 0`);
  }
  if (highSector < lowSector) throw badRange(`sectors ${lowSector} to ${highSector} end before they begin`);
  const bytes = new Uint8Array(RANGE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(lowSector), true);
  view.setBigUint64(8, BigInt(highSector), true);
  return bytes;
}

function badRange(what: string): LockError {
  return new LockError(
    "EINVAL",
    "dlm-resync-range",
    `a resync range: ${what}`,
    "Pass the first sector and the one behind the last; 0 and 0 for none.",
  );
}

/** @throws LockError where an operation that can only be granted was not: ESHUTDOWN, ECANCELED */
function expectGranted({ status }: Completion, attempted: string): void {
  if (status === "granted") return;
  const gone = status === "ESHUTDOWN" || status === "EUNLOCK";
  throw gone
    ? new LockError(
        "ESHUTDOWN",
        "dlm-node-gone",
        `${attempted}: this node is no member any more`,
        "Join again.",
      )
    : new LockError("ECANCELED", "dlm-cancelled", `${attempted}: cancelled`, "Try again.");
}

export class SlotLock implements OwnSlot {
  #writing: Promise<unknown> = Promise.resolve();

  /** @param write writes the 16 bytes of the range into the value block */
  constructor(
    readonly slot: number,
    private readonly write: (range: Uint8Array) => Promise<Completion>,
    private readonly giveUp: () => Promise<unknown>,
  ) {}

  publishResyncRange(range: ResyncRange): Promise<void> {
    const bytes = rangeBytes(range);
    const written = this.#writing.then(async () => {
      expectGranted(await this.write(bytes), `publishing the resync range of slot ${this.slot}`);
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async release(): Promise<void> {
    await this.#writing;
    await this.giveUp();
  }
}

/** Where the lock is an ordinary one of this node: NL first, as md takes it, then PW, waiting for whoever recovers the slot. */
export async function takeOwnSlot(lockspace: Lockspace, signal: AbortSignal | undefined): Promise<OwnSlot> {
  signal?.throwIfAborted();
  const { slot, lvbBytes } = lockspace;
  const attempted = `taking slot ${slot}`;
  const lvb = new Uint8Array(lvbBytes);
  const { lock, completion } = lockspace.request(slotResource(slot), "NL", { flags: ["EXPEDITE"], lvb });
  expectGranted(await completion, attempted);
  const cancel = () => lock.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const held = await lock.convert("PW", { lvb });
    if (held.status !== "granted" && !lockspace.gone) await lock.unlock();
    expectGranted(held, attempted);
    // Whatever a holder before this one resynced, this one does not.
    expectGranted(await lock.convert("PW", { lvb }), attempted);
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
  const write = (range: Uint8Array) => {
    const block = new Uint8Array(lvbBytes);
    block.set(range);
    return lock.convert("PW", { lvb: block });
  };
  return new SlotLock(slot, write, () => lock.unlock());
}

/** As md reads it when it joins (spec §4.2): CR, which goes with the owner's PW. */
export async function readResyncRange(lockspace: Lockspace, slot: number): Promise<PublishedResyncRange> {
  const attempted = `reading the resync range of slot ${String(slot)}`;
  const lvb = new Uint8Array(lockspace.lvbBytes);
  const { lock, completion } = lockspace.request(slotResource(slot), "NL", { flags: ["EXPEDITE"], lvb });
  expectGranted(await completion, attempted);
  const read = await lock.convert("CR", { lvb });
  expectGranted(read, attempted);
  await lock.unlock();
  const bytes = read.lvb ?? lvb;
  const view = new DataView(bytes.buffer, bytes.byteOffset, RANGE_BYTES);
  return {
    lowSector: Number(view.getBigUint64(0, true)),
    highSector: Number(view.getBigUint64(8, true)),
    valueNotValid: read.valueNotValid,
  };
}
