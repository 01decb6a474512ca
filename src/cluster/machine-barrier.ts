/**
 * A barrier between the machines of one run, made of nothing but locks of their lockspace.
 *
 * Each machine has three gates and uses them in turn. It holds the next one in EX before it arrives; to arrive it gives up the
 * present one, writing the number of the meeting into its value block; to pass it takes every other machine's gate in PR, which
 * waits for that machine. With three of them nobody closes a gate again through which another has still to go. A gate that opens
 * without the meeting's number in it was opened by its owner's end.
 */

import type { LockHandle, Lockspace } from "../dlm/lockspace.js";
import { SlotmarkError } from "../errors.js";

const GATES = 3;

export class MachineBarrier {
  #meeting = 0;

  private constructor(
    private readonly lvbBytes: number,
    private readonly own: readonly LockHandle[],
    private readonly peers: ReadonlyMap<number, readonly LockHandle[]>,
  ) {}

  /** Takes the own gates. To be done before the other machines can know of this one. */
  static async closeOwn(lockspace: Lockspace, run: string): Promise<readonly LockHandle[]> {
    const gates = await gatesOf(lockspace, run, lockspace.slot);
    await gates[0]?.convert("EX", { lvb: new Uint8Array(lockspace.lvbBytes) });
    return gates;
  }

  /** @param slots of all machines of the run, from 1 */
  static async open(
    lockspace: Lockspace,
    run: string,
    own: readonly LockHandle[],
    slots: readonly number[],
  ): Promise<MachineBarrier> {
    const peers = new Map<number, readonly LockHandle[]>();
    for (const slot of slots) {
      if (slot !== lockspace.slot) peers.set(slot, await gatesOf(lockspace, run, slot));
    }
    return new MachineBarrier(lockspace.lvbBytes, own, peers);
  }

  /**
   * Resolves when every machine has come here. Rejects with the signal's reason; then leave the lockspace, for the locks that wait.
   * @throws SlotmarkError `cluster-machine-gone` where one has left or died
   */
  async meet(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    let stop: () => void = () => undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal?.reason);
      signal?.addEventListener("abort", stop, { once: true });
    });
    try {
      await Promise.race([this.#meet(), stopped]);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async #meet(): Promise<void> {
    const meeting = ++this.#meeting;
    const [gate, next] = [(meeting - 1) % GATES, meeting % GATES];
    const lvb = () => new Uint8Array(this.lvbBytes);
    await this.own[next]?.convert("EX", { lvb: lvb() });
    await this.own[gate]?.convert("NL", { lvb: numbered(lvb(), meeting) });
    await Promise.all([...this.peers].map(([slot, gates]) => this.#pass(gates[gate], slot, meeting)));
  }

  async #pass(gate: LockHandle | undefined, slot: number, meeting: number): Promise<void> {
    const passed = await gate?.convert("PR", { lvb: new Uint8Array(this.lvbBytes) });
    const arrived = passed?.status === "granted" && !passed.valueNotValid && numberIn(passed.lvb) === meeting;
    if (!arrived) throw machineGone(slot);
    await gate?.convert("NL");
  }
}

function gatesOf(lockspace: Lockspace, run: string, slot: number): Promise<LockHandle[]> {
  const names = Array.from({ length: GATES }, (_, index) => `gate-${run}-${slot}-${index}`);
  return Promise.all(
    names.map(async (name) => {
      const { lock, completion } = lockspace.request(name, "NL", { lvb: new Uint8Array(lockspace.lvbBytes) });
      await completion;
      return lock;
    }),
  );
}

function numbered(lvb: Uint8Array, meeting: number): Uint8Array {
  new DataView(lvb.buffer).setUint32(0, meeting, true);
  return lvb;
}

function numberIn(lvb: Uint8Array | undefined): number | undefined {
  return lvb && new DataView(lvb.buffer, lvb.byteOffset).getUint32(0, true);
}

function machineGone(slot: number): SlotmarkError {
  return new SlotmarkError(
    "device",
    "cluster-machine-gone",
    `the machine in slot ${slot - 1} has left the run`,
    "See what slotmark says there, and start it anew on every machine.",
  );
}
