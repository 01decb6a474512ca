/**
 * How the machines of one run find together: a roll of those that have come, in the value block of the resource `run`. Whoever comes
 * takes it in EX, adds its slot and keeps it in CR, so that the next one who takes it in EX makes all others look again. Whoever
 * completes the roll closes it; nobody waits by looking at a clock.
 */
import { randomBytes } from "node:crypto";
import type { LockHandle, Lockspace, OwnSlot } from "../dlm/lockspace.js";
import { slotResource } from "../dlm/own-slot.js";
import { SlotmarkError } from "../errors.js";
import { MachineBarrier } from "./machine-barrier.js";

export interface GatherOptions {
  /** How many machines take part, this one included: 1 to 64. */
  readonly machines: number;
  /** Hexadecimal, at least 16 digits: equal where machines are to do the same work. */
  readonly workHash: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called with how many have come, whenever that has changed. */
  readonly onArrival?: (come: number) => void;
}

/** The machines of a run, all there. */
export interface GatheredMachines {
  /** 16 hexadecimal digits, the same on all machines and for no other run. */
  readonly run: string;
  /** From 1, ascending. */
  readonly slots: readonly number[];
  readonly barrier: MachineBarrier;
  /** What shows to others that a run is under way, for as long as somebody has it: the lock on the own slot, and the roll. */
  readonly presence: readonly [OwnSlot, LockHandle];
}

interface Roll {
  /** 16 hexadecimal digits. */
  readonly run: string;
  readonly slots: readonly number[];
  /** First 16 digits of the hash. */
  readonly work: string;
  readonly machines: number;
  /** Complete, and begun. */
  readonly closed: boolean;
}

/**
 * Waits until all machines have come.
 * @throws SlotmarkError `cluster-machines-missing` when the time is over, `cluster-work-differs`, `cluster-run-under-way`; the
 * signal's reason. Then leave the lockspace: others may wait for a lock of this node's.
 */
export async function gatherMachines(
  lockspace: Lockspace,
  options: GatherOptions,
): Promise<GatheredMachines> {
  const own = await lockspace.holdOwnSlot();
  const bell = new Bell(options);
  const requested = lockspace.request("run", "NL", {
    lvb: new Uint8Array(lockspace.lvbBytes),
    onBlocking: () => bell.ring(),
  });
  await requested.completion;
  const roll = requested.lock;
  try {
    const entering = enter(lockspace, own, roll, options);
    const { gates, ...entered } = await bell.orOver(entering, () => missing(null, options));
    let seen: Roll = entered.roll;
    for (;;) {
      options.onArrival?.(seen.slots.length);
      if (seen.closed) break;
      if (!(await bell.heard())) throw missing(seen, options);
      seen = await bell.orOver(lookAgain(lockspace, roll), () => missing(seen, options));
      if (seen.run !== entered.roll.run) throw rollLost();
    }
    // In NL it stands in nobody's way, and keeps what is written for as long as this node is there.
    await roll.convert("NL");
    const barrier = await MachineBarrier.open(lockspace, seen.run, gates, seen.slots);
    return { run: seen.run, slots: seen.slots, barrier, presence: [own, roll] };
  } catch (error) {
    giveUp(lockspace, roll, own);
    throw error;
  } finally {
    bell.close();
  }
}

/** Without waiting: what could not be waited for any longer may not answer this either, and the node is about to leave. */
function giveUp(lockspace: Lockspace, roll: LockHandle, own: OwnSlot): void {
  if (lockspace.gone) return;
  void roll.unlock({ flags: ["FORCEUNLOCK"] });
  void own.release();
}

async function enter(
  lockspace: Lockspace,
  own: OwnSlot,
  lock: LockHandle,
  { machines, workHash }: GatherOptions,
): Promise<{ readonly roll: Roll; readonly gates: readonly LockHandle[] }> {
  const work = workHash.slice(0, 16);
  const found = await lock.convert("EX", { lvb: new Uint8Array(lockspace.lvbBytes) });
  const before = found.valueNotValid ? null : decodeRoll(found.lvb);
  const others = await living(lockspace, before?.slots.filter((slot) => slot !== own.slot) ?? []);
  if (before !== null && others.length > 0) {
    if (before.closed) throw runUnderWay(before);
    if (before.work !== work || before.machines !== machines) throw workDiffers(before, machines);
  }
  const run = others.length > 0 && before !== null ? before.run : randomBytes(8).toString("hex");
  const gates = await MachineBarrier.closeOwn(lockspace, run);
  const slots = [...others, own.slot].sort((a, b) => a - b);
  const roll = { run, slots, work, machines, closed: slots.length === machines };
  await lock.convert("CR", { lvb: encodeRoll(roll, lockspace.lvbBytes) });
  return { roll, gates };
}

/** Makes way for who wants the roll, and reads what he has made of it. */
async function lookAgain(lockspace: Lockspace, lock: LockHandle): Promise<Roll> {
  await lock.convert("NL");
  // Behind those that wait already, or two who look would keep a third from ever writing.
  const read = await lock.convert("CR", { flags: ["QUECVT"], lvb: new Uint8Array(lockspace.lvbBytes) });
  const roll = decodeRoll(read.lvb);
  if (roll === null || read.valueNotValid) throw rollLost();
  return roll;
}

/** Slots that somebody holds: whoever left or died before is no part of this run. */
async function living(lockspace: Lockspace, slots: readonly number[]): Promise<number[]> {
  const members = new Set(lockspace.members().map(({ slot }) => slot));
  const found: number[] = [];
  for (const slot of slots) {
    if (!members.has(slot)) continue;
    const { lock, completion } = lockspace.request(slotResource(slot), "NL", { flags: ["EXPEDITE"] });
    await completion;
    if ((await lock.convert("PR", { flags: ["NOQUEUE"] })).status === "EAGAIN") found.push(slot);
    await lock.unlock();
  }
  return found;
}

/** Rings when a lock of ours is in somebody's way, or the time is over. */
class Bell {
  #rung = false;
  #over = false;
  #listener: (() => void) | null = null;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = () => this.#wake();

  constructor(private readonly options: GatherOptions) {
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#wake();
    }, options.timeoutMs);
    options.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** True where it rang, false where the time is over. */
  async heard(): Promise<boolean> {
    while (!this.#rung && !this.#over) await this.#woken();
    this.options.signal?.throwIfAborted();
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }

  /** The outcome of what may wait for another machine; once the time is over, what `late` makes. */
  async orOver<T>(work: Promise<T>, late: () => SlotmarkError): Promise<T> {
    let done = false;
    const finished = work.finally(() => {
      done = true;
      this.#wake();
    });
    finished.catch(() => undefined);
    while (!done && !this.#over) await this.#woken();
    this.options.signal?.throwIfAborted();
    if (!done) throw late();
    return finished;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.options.signal?.removeEventListener("abort", this.#abort);
  }

  async #woken(): Promise<void> {
    this.options.signal?.throwIfAborted();
    await new Promise<void>((resolve) => {
      this.#listener = resolve;
    });
    this.options.signal?.throwIfAborted();
  }

  #wake(): void {
    this.#listener?.();
    this.#listener = null;
  }
}

/** 26 bytes: run, slots as bits from 0, work, machines, closed. */
function encodeRoll(roll: Roll, lvbBytes: number): Uint8Array {
  const lvb = new Uint8Array(lvbBytes);
  const view = new DataView(lvb.buffer);
  view.setBigUint64(0, BigInt(`0x${roll.run}`), false);
  view.setBigUint64(
    8,
    roll.slots.reduce((bits, slot) => bits | (1n << BigInt(slot - 1)), 0n),
    true,
  );
  view.setBigUint64(16, BigInt(`0x${roll.work}`), false);
  view.setUint8(24, roll.machines);
  view.setUint8(25, roll.closed ? 1 : 0);
  return lvb;
}

/** Null where nobody has written one. */
function decodeRoll(lvb: Uint8Array | undefined): Roll | null {
  if (lvb === undefined) return null;
  const view = new DataView(lvb.buffer, lvb.byteOffset);
  const machines = view.getUint8(24);
  if (machines === 0) return null;
  const hex = (at: number) => view.getBigUint64(at, false).toString(16).padStart(16, "0");
  const bits = view.getBigUint64(8, true);
  const slots = Array.from({ length: 64 }, (_, index) => index + 1).filter(
    (slot) => (bits & (1n << BigInt(slot - 1))) !== 0n,
  );
  return { run: hex(0), slots, work: hex(16), machines, closed: view.getUint8(25) === 1 };
}

function slotsText(slots: readonly number[]): string {
  const numbers = slots.map((slot) => slot - 1).join(", ");
  return slots.length === 1 ? `slot ${numbers}` : `slots ${numbers}`;
}

function missing(roll: Roll | null, { machines, timeoutMs }: GatherOptions): SlotmarkError {
  const come =
    roll === null
      ? "the roll of machines was not to be had"
      : `${roll.slots.length} of ${machines} machines came (${slotsText(roll.slots)})`;
  return new SlotmarkError(
    "input",
    "cluster-machines-missing",
    `within ${timeoutMs / 1000} s ${come}`,
    "Start the same command on every machine of the cluster; --wait gives them more time.",
  );
}

function rollLost(): SlotmarkError {
  return new SlotmarkError(
    "device",
    "cluster-roll-lost",
    "the roll of the machines that have come was lost with one of them",
    "Start slotmark anew on every machine.",
  );
}

function workDiffers(roll: Roll, machines: number): SlotmarkError {
  const difference =
    roll.machines === machines
      ? "for other work"
      : `with --nodes ${roll.machines}, this one with --nodes ${machines}`;
  return new SlotmarkError(
    "input",
    "cluster-work-differs",
    `the machines that wait already (${slotsText(roll.slots)}) were started ${difference}`,
    "Start the same command, with the same options, on every machine.",
  );
}

function runUnderWay(roll: Roll): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "cluster-run-under-way",
    `another run of ${roll.machines} machines (${slotsText(roll.slots)}) is under way on this array`,
    "Wait until it has ended, or use another array.",
  );
}
