/**
 * A node that application writes arrive at, in virtual time: plugs, the md thread with its wakes and timer, safe mode outside a cluster
 * (spec §3.2, §3.4; findings 2, 3, 4, 8 and 11 of golden/writes). The caller is the clock: it says what happens when, and asks when
 * the node does something by itself.
 */
import { MdThread } from "../bitmap/md-thread.js";
import type { EventQueue } from "./event-queue.js";
import { type Piece, piecesOf, plugLimit } from "./raid1-split.js";
import { HZ, JIFFY_NS, jiffiesAt, kernelTiming, timerExpiryNs } from "./timer-wheel.js";
import type { VirtualNode } from "./virtual-node.js";

/** `DEFAULT_SAFEMODE_DELAY`, 200 ms and a jiffy. */
const SAFEMODE_DELAY_JIFFIES = Math.floor((200 * HZ) / 1000) + 1;

/** Writes that leave together. `batch`: the submitter flushes it itself; `sync`: it sleeps, and the md thread flushes it. */
export interface Plug {
  readonly submit: "sync" | "batch";
  /** Writes that the script still adds to it. */
  expected: number;
  bios: number;
  /** Pieces held back by a full chunk counter. */
  waiting: number;
  started: Started[];
}

interface Started extends Piece {
  readonly endNs: number;
}

/** The end of a started piece, for the clock to come back with. */
export interface WriteEnd extends Piece {
  readonly node: WritingNode;
}

export interface WritingNodeSettings {
  readonly daemonSleepNs: number;
  readonly clustered: boolean;
  /** The array is marked in use (not `in_sync`) at the start. */
  readonly active: boolean;
  readonly members: number;
}

export class WritingNode {
  private readonly thread: MdThread;
  private readonly parked: { readonly piece: Started; readonly plug: Plug }[] = [];
  private readonly plugLimit: number;
  private active: boolean;
  private inFlight = 0;
  private safemodeNs = Number.POSITIVE_INFINITY;
  private stopAsked = false;
  private stopped = false;

  constructor(
    private readonly node: VirtualNode,
    private readonly ends: EventQueue<WriteEnd>,
    private readonly settings: WritingNodeSettings,
  ) {
    this.thread = new MdThread(settings.daemonSleepNs, Number.NEGATIVE_INFINITY, kernelTiming);
    this.plugLimit = plugLimit(settings.members);
    this.active = settings.active;
  }

  get slot(): number {
    return this.node.slot;
  }

  /** When the node's own timers fire next. */
  get wakesAtNs(): number {
    if (this.stopped) return Number.POSITIVE_INFINITY;
    return Math.min(this.thread.wakesAtNs, this.safemodeNs);
  }

  /** A timer of the node has fired. */
  timerFired(nowNs: number): void {
    if (nowNs >= this.safemodeNs) {
      this.safemodeNs = Number.POSITIVE_INFINITY;
      this.wakeForCleanArray(nowNs);
    } else this.wake(nowNs);
  }

  /** Something wakes the md thread. */
  wake(nowNs: number): void {
    this.raid1d(nowNs, false);
  }

  submit(sector: number, sectors: number, durationNs: number, plug: Plug, nowNs: number): void {
    this.markActive(nowNs);
    for (const piece of piecesOf(sector, sectors)) {
      this.start({ ...piece, endNs: nowNs + durationNs }, plug, nowNs);
    }
    plug.expected--;
    this.leaveIfComplete(plug, nowNs);
  }

  /** A write has reached its last member. */
  end(write: WriteEnd, nowNs: number): void {
    this.node.endWrite(write.sector, write.sectors, this.node.degraded);
    this.inFlight--;
    if (!this.settings.clustered) this.armSafemode(nowNs);
    this.retryParked(nowNs);
    if (this.stopAsked && this.inFlight === 0) this.stopNow(nowNs);
  }

  /** `mdadm --stop`: waits for the writes in flight, then flushes the bitmap. */
  stop(nowNs: number): void {
    this.stopAsked = true;
    if (this.inFlight === 0) this.stopNow(nowNs);
  }

  private start(piece: Started, plug: Plug, nowNs: number): void {
    if (!this.node.startWrite(piece.sector, piece.sectors)) {
      plug.waiting++;
      this.parked.push({ piece, plug });
      // The writer sleeps, and what its plug holds leaves.
      this.leave(plug, nowNs, "sync");
      return;
    }
    this.inFlight++;
    plug.started.push(piece);
    plug.bios += this.node.copies;
    if (plug.bios >= this.plugLimit) this.leave(plug, nowNs, "batch");
  }

  private retryParked(nowNs: number): void {
    for (let next = this.parked[0]; next !== undefined; next = this.parked[0]) {
      const { piece, plug } = next;
      if (!this.node.startWrite(piece.sector, piece.sectors)) return;
      this.parked.shift();
      this.inFlight++;
      plug.waiting--;
      plug.started.push(piece);
      this.leaveIfComplete(plug, nowNs);
    }
  }

  private leaveIfComplete(plug: Plug, nowNs: number): void {
    if (plug.expected === 0 && plug.waiting === 0) this.leave(plug, nowNs, plug.submit);
  }

  /** The bitmap pages of the plug's writes go out, then the writes themselves, which end in their time. */
  private leave(plug: Plug, nowNs: number, flushedBy: "sync" | "batch"): void {
    const { started } = plug;
    if (started.length === 0) return;
    plug.started = [];
    plug.bios = 0;
    if (flushedBy === "batch") this.node.unplug(nowNs);
    else this.raid1d(nowNs, true);
    for (const { sector, sectors, endNs } of started) {
      this.ends.add(Math.max(endNs, nowNs), { node: this, sector, sectors });
    }
  }

  /** One turn of the md thread: the daemon behind its gate, then the writes that wait for it (finding 4). */
  private raid1d(nowNs: number, hasWrites: boolean): void {
    if (this.stopped) return;
    this.daemon(nowNs);
    if (hasWrites) this.node.unplug(nowNs);
    this.thread.arm(this.node.bitmap.allClean);
  }

  private daemon(nowNs: number): void {
    if (this.thread.wake(nowNs, this.node.bitmap.allClean)) this.node.daemonPass(nowNs);
  }

  /** `md_write_start` on a clean array: the md thread marks it in use on disk before the write goes on. */
  private markActive(nowNs: number): void {
    if (this.active) return;
    this.active = true;
    this.updateSuperblock(nowNs);
  }

  private wakeForCleanArray(nowNs: number): void {
    if (!this.active || this.inFlight > 0) {
      this.wake(nowNs);
      return;
    }
    this.active = false;
    this.updateSuperblock(nowNs);
  }

  private updateSuperblock(nowNs: number): void {
    this.daemon(nowNs);
    this.node.updateSuperblock(nowNs);
    this.thread.arm(this.node.bitmap.allClean);
  }

  private armSafemode(nowNs: number): void {
    const now = jiffiesAt(nowNs);
    const due = Math.ceil(now / SAFEMODE_DELAY_JIFFIES) * SAFEMODE_DELAY_JIFFIES + SAFEMODE_DELAY_JIFFIES;
    this.safemodeNs = timerExpiryNs(nowNs, (due - now) * JIFFY_NS);
  }

  private stopNow(nowNs: number): void {
    this.wake(nowNs);
    this.node.flush(nowNs);
    if (!this.settings.clustered && this.active) this.node.updateSuperblock(nowNs);
    this.stopped = true;
    this.stopAsked = false;
  }
}
