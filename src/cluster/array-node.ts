/**
 * A node of a running array, as its user holds it: writes, passes, and an end in order or without a word.
 *
 * It is an asynchronous state machine on its thread's event loop. Many may live on one thread: nothing here waits without
 * a turn of the event loop, but for the members' own I/O.
 */
import type { MdSuperblock } from "../ondisk/md-superblock.js";
import { addDisk } from "./add-disk.js";
import type { AddDiskRequest } from "./added-disk.js";
import type { ArrayMember } from "./array-members.js";
import { type ArrayWrite, writePlug } from "./array-writes.js";
import { daemonPass, startDaemon } from "./daemon.js";
import { die, dieOf } from "./death.js";
import { failMember } from "./device-failure.js";
import { growArray } from "./grow.js";
import { joinCluster } from "./join.js";
import { leaveCluster } from "./leave.js";
import { confirmNewDisk, dropSoon, refuseNewDisk } from "./new-disk.js";
import type { JoinOptions } from "./node-options.js";
import type { NodeState } from "./node-state.js";
import { reAddMember } from "./re-add.js";
import { removeMember } from "./remove-device.js";

/** Joins the array; spec §4.2. @throws as `joinCluster` */
export async function joinArray(options: JoinOptions): Promise<ArrayNode> {
  const state = await joinCluster(options, {
    onRecovery: (joining, event) => {
      if (event.step !== "recoverSlot") return;
      joining.settling.nodeDied();
      joining.recovery.ownerDied(event.slot - 1);
      joining.newDisk.initiatorDied(event.node);
      dropSoon(joining);
    },
    onReceiveError: (joining, error) => {
      joining.tell({ kind: "messageRefused", error: String(error) });
      dieOf(joining, error);
    },
  });
  const node = new ArrayNode(state);
  if (state.options.daemon === "timer") startDaemon(state, (error) => dieOf(state, error));
  return node;
}

export class ArrayNode {
  /** Made by `joinArray`. */
  constructor(readonly state: NodeState) {}

  /** From 0. */
  get slot(): number {
    return this.state.slot;
  }

  /** Left or died. */
  get gone(): boolean {
    return this.state.gone;
  }

  get members(): readonly ArrayMember[] {
    return this.state.members.all;
  }

  get superblock(): MdSuperblock {
    return this.state.superblock;
  }

  /** Inclusive ranges of chunks whose bits are set in this node's slot. */
  get dirty(): [number, number][] {
    return this.state.bitmap.dirtyRanges();
  }

  /**
   * Writes; resolves when the data is on all members.
   * @param offsetBytes within the array
   * @throws SlotmarkError `write-beyond-array`, `array-failed`, `node-gone`; LockError
   */
  write(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.writePlug([{ offsetBytes, lengthBytes }]);
  }

  /** Writes that are submitted together: their pages are written once. @throws as `write` */
  writePlug(writes: readonly ArrayWrite[]): Promise<void> {
    return this.run(() => writePlug(this.state, writes));
  }

  /** One daemon pass now. @throws SlotmarkError `array-failed`, `node-gone` */
  daemonPass(): Promise<void> {
    return this.run(async () => daemonPass(this.state));
  }

  /** Marks a device faulty, on all nodes. @throws as `failMember` */
  failMember(deviceNumber: number): Promise<void> {
    return this.run(() => failMember(this.state, deviceNumber));
  }

  /** Brings back a device that failed, on all nodes. @throws as `reAddMember` */
  async reAddMember(deviceNumber: number): Promise<void> {
    await this.run(() => reAddMember(this.state, deviceNumber));
  }

  /** Gives up a device that has no place in the array, on all nodes. @throws as `removeMember` */
  removeMember(deviceNumber: number): Promise<void> {
    return this.run(() => removeMember(this.state, deviceNumber));
  }

  /** Adds a disk to the array, on all nodes. @throws as `addDisk` in `add-disk.ts` */
  addDisk(request: AddDiskRequest): Promise<ArrayMember> {
    return this.run(() => addDisk(this.state, request));
  }

  /** Answers another node's announcement of a disk: it is at `path`. @throws AddDiskError, SlotmarkError, LockError */
  confirmDisk(deviceNumber: number, path: string): Promise<void> {
    return this.run(() => confirmNewDisk(this.state, deviceNumber, path));
  }

  /** Answers another node's announcement of a disk: it is not to be seen here. */
  refuseDisk(): void {
    refuseNewDisk(this.state);
  }

  /** Resyncs and rebuilds what there is now, as far as it can be done. */
  sync(): Promise<void> {
    return this.run(() => this.state.sync.run());
  }

  /** Grows the array to so many sectors of each member. @throws as `growArray` */
  grow(sizeSectors: number): Promise<void> {
    return this.run(() => growArray(this.state, sizeSectors));
  }

  /** Leaves in order. @throws SlotmarkError `array-failed`, LockError ETIMEDOUT; the node is gone all the same */
  leave(): Promise<void> {
    return this.run(() => leaveCluster(this.state));
  }

  /**
   * Stops for good, in the middle of whatever it does, and tells nobody; the others hear it from the lockspace.
   * @throws LockError EOPNOTSUPP on the kernel's lock manager, where a node dies with its thread
   */
  die(): void {
    die(this.state);
  }

  /** What the storage throws in a test in place of a write ends this node. */
  private async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.state.requireAlive();
      return await work();
    } catch (error) {
      dieOf(this.state, error);
      throw error;
    }
  }
}
