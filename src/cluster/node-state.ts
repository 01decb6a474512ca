/**
 * What a node of a running array knows and holds. The files of this folder that make a node act (writes, messages,
 * metadata, recovery) share it; everything in it changes on the node's own thread alone.
 */
import type { MdThread } from "../bitmap/md-thread.js";
import type { WasmBitmap } from "../bitmap/wasm.js";
import type { Channel } from "../dlm/channel.js";
import type { Lockspace, OwnSlot } from "../dlm/lockspace.js";
import { SlotmarkError } from "../errors.js";
import type { BitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import type { MdSuperblock } from "../ondisk/md-superblock.js";
import type { SlotGeometry } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import { ArrayMembers } from "./array-members.js";
import type { ClusterOccurrence } from "./cluster-event.js";
import type { Messenger } from "./messenger.js";
import { MetadataSettling } from "./metadata-settle.js";
import { NewDiskState } from "./new-disk-state.js";
import type { NodeOptions } from "./node-options.js";
import { SlotRecovery } from "./slot-recovery.js";
import { SuspendedRange } from "./suspended-range.js";
import { SyncThread } from "./sync-thread.js";

export interface NodeParts {
  readonly options: NodeOptions;
  readonly lockspace: Lockspace;
  readonly geometry: SlotGeometry;
  readonly bitmap: WasmBitmap;
  readonly bitmapSuperblock: BitmapSuperblock;
  /** Of the device with the highest event count. */
  readonly superblock: MdSuperblock;
  readonly mdThread: MdThread;
}

export class NodeState {
  private readonly endings: (() => void)[] = [];
  readonly options: NodeOptions;
  readonly lockspace: Lockspace;
  /** From 0, as md counts. */
  readonly slot: number;
  /** With `bitmap` replaced by a resize. */
  geometry: SlotGeometry;
  /** As all nodes agree on it, while one of them resizes. */
  settledGeometry: SlotGeometry;
  bitmap: WasmBitmap;
  /** Where writes must end; follows the bitmap's size with CHANGE_CAPACITY. */
  capacitySectors: number;
  readonly bitmapSuperblock: BitmapSuperblock;
  readonly mdThread: MdThread;
  readonly members = new ArrayMembers();
  readonly suspended = new SuspendedRange();
  readonly settling = new MetadataSettling(this);
  readonly newDisk = new NewDiskState();
  /** What all devices' superblocks have in common, as last read or written. */
  superblock: MdSuperblock;
  /** `mddev->events`. */
  events: number;
  /** `mddev->recovery_cp`: members may differ in NEEDED chunks from this sector on; Infinity: nowhere. */
  resyncFromSector = Number.POSITIVE_INFINITY;
  /** How often NEEDED chunks were added to what is to be resynced. */
  resyncRequests = 0;
  /** Other nodes may be keeping their writers out of a window of this node's. */
  windowOpen = false;
  readonly sync = new SyncThread(this);
  readonly recovery = new SlotRecovery(this);
  /** Messages may be processed: everything is loaded (ALREADY_IN_CLUSTER). */
  readonly ready: Promise<void>;
  /** Bits set on the members, by what has been written. */
  bitsOnDisk = 0;
  /** Writes so far; makes the contents of each different. */
  writesStarted = 0;

  /** Failures that are on their way to the other nodes; writes do not complete before. */
  failureReport: Promise<void> | null = null;

  /** When writing last gave others a turn of the event loop. */
  lastTurnNs = 0;
  /** Whether the own slot and the others' are loaded. */
  loaded = false;

  private markReady = () => {};
  private refuseReady: (error: unknown) => void = () => {};
  private joinedMessenger: Messenger | undefined;
  private joinedSlotLock: OwnSlot | undefined;
  private leaving = false;
  private ended: "left" | "died" | undefined;

  constructor(parts: NodeParts) {
    this.options = parts.options;
    this.lockspace = parts.lockspace;
    this.slot = parts.lockspace.slot - 1;
    this.geometry = parts.geometry;
    this.settledGeometry = parts.geometry;
    this.capacitySectors = parts.geometry.syncSizeSectors;
    this.bitmap = parts.bitmap;
    this.bitmapSuperblock = parts.bitmapSuperblock;
    this.mdThread = parts.mdThread;
    this.superblock = parts.superblock;
    this.events = Number(parts.superblock.events);
    this.ready = new Promise((resolve, reject) => {
      this.markReady = resolve;
      this.refuseReady = reject;
    });
    // Nobody may wait for it.
    this.ready.catch(() => {});
  }

  /** @throws SlotmarkError `node-gone` */
  get messenger(): Messenger {
    if (this.joinedMessenger === undefined || this.gone) throw this.goneError();
    return this.joinedMessenger;
  }

  get channel(): Channel {
    return this.messenger.channel;
  }

  /** @throws SlotmarkError `node-gone` */
  get slotLock(): OwnSlot {
    if (this.joinedSlotLock === undefined || this.gone) throw this.goneError();
    return this.joinedSlotLock;
  }

  haveMessenger(messenger: Messenger): void {
    this.joinedMessenger = messenger;
  }

  haveSlotLock(lock: OwnSlot): void {
    this.joinedSlotLock = lock;
  }

  /** From here on messages are processed. */
  becomeReady(): void {
    this.loaded = true;
    this.markReady();
  }

  /** Left or died: it may touch no member and send nothing any more. */
  get gone(): boolean {
    return this.ended !== undefined;
  }

  /** From here on no write starts. */
  startLeaving(): void {
    this.leaving = true;
    this.suspended.wake();
  }

  /** @throws SlotmarkError `node-gone` */
  requireWritable(): void {
    if (this.gone || this.leaving) throw this.goneError();
  }

  /** Whether a place of the array has no member that is in sync. */
  get degraded(): boolean {
    return this.members.inSync.length < this.superblock.raidDisks;
  }

  /** To be called after a change of members or of the event count. */
  arrayStateChanged(): void {
    this.bitmap.setArrayState({ events: this.events, degraded: this.degraded });
  }

  /** Called once, when the node has left or died. */
  onEnd(run: () => void): void {
    this.endings.push(run);
  }

  /** Ends everything of this node's own; what it held in the lockspace is the caller's to give up or leave behind. */
  end(how: "left" | "died"): void {
    if (this.ended !== undefined) return;
    this.tell({ kind: how });
    this.ended = how;
    this.refuseReady(this.goneError());
    this.suspended.wake();
    this.newDisk.end();
    for (const run of this.endings) run();
    this.joinedMessenger?.channel.close();
    for (const { device } of this.members.all) device.close();
  }

  /** @throws SlotmarkError `node-gone` */
  requireAlive(): void {
    if (this.gone) throw this.goneError();
  }

  tell(occurrence: ClusterOccurrence, atNs = monotonicNs()): void {
    this.options.onEvent({ ...occurrence, node: this.slot, atNs });
  }

  private goneError(): SlotmarkError {
    return new SlotmarkError(
      "refused",
      "node-gone",
      `the node of slot ${this.slot} ${this.ended === "died" ? "is dead" : "is no member of the array"}`,
      "join again",
    );
  }
}
