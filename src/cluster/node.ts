/**
 * A node at work in one trial: it owns a slot, submits plugs of writes and makes the bitmap pages they need durable before their
 * data, as md does (spec §3.2, design "The data's way through a run"). Everything between two plugs runs on this thread alone.
 */
import { MdThread } from "../bitmap/md-thread.js";
import type { WasmBitmap } from "../bitmap/wasm.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import type { MemberFailure, PageWriter } from "../storage/page-writer.js";
import type { ClusterEvent, PageCause } from "./cluster-event.js";
import type { Control } from "./control.js";
import { FailedMembers } from "./failed-members.js";
import { LatencyRecorder } from "./latency-recorder.js";
import { LevelOverTime } from "./level-over-time.js";
import type { NodeMeasurement, NodeTask } from "./node-task.js";
import { pause } from "./pause.js";
import { type Rhythm, Steadiness } from "./steadiness.js";
import { PLUG_SPLIT_WRITES, type WriteSource } from "./write-source.js";

/** A node with nothing to write looks so often whether the interval is set (sooner than it begins), later whether to stop. */
const LOOK_FOR_INTERVAL_NS = 2e6;
const LOOK_FOR_STOP_NS = 100e6;

/** So many page writes of a trial a trace holds; viewers choke on more. */
const TRACED_PAGE_WRITES = 20_000;

export class Node {
  private readonly mdThread: MdThread;
  private readonly failedMembers: FailedMembers;
  private readonly steadiness = new Steadiness();
  private readonly dirtyBytes = new LevelOverTime();
  private readonly writeLatency = new LatencyRecorder();
  private readonly serviceLatency: LatencyRecorder | null;
  private readonly unplugLatency = new LatencyRecorder();
  private readonly startNs = monotonicNs();
  private bitmapOn: boolean;
  private recording = false;
  private readonly payloadStamp: Float64Array;
  private readonly completedNs = new Float64Array(PLUG_SPLIT_WRITES);
  private dataPlugs = 0;
  private bitsOnDisk = 0;
  private pageWritesEver = 0;
  private writes = 0;
  private plugs = 0;
  private unplugs = 0;
  private unplugPageWrites = 0;
  private daemonPageWrites = 0;
  private passesBefore = 0;
  private lastPassNs = this.startNs;
  private readonly events: ClusterEvent[] = [];
  private eventsDropped = 0;

  constructor(
    private readonly task: NodeTask,
    private readonly bitmap: WasmBitmap,
    private readonly writer: PageWriter,
    private readonly control: Control,
    private readonly source: WriteSource,
  ) {
    this.mdThread = new MdThread(task.daemonSleepNs, this.startNs);
    this.failedMembers = new FailedMembers(task, bitmap, writer, control);
    // Loading a bitmap arms the thread's timer (md_bitmap_load).
    this.mdThread.arm(false);
    this.serviceLatency = source.openLoop ? new LatencyRecorder() : null;
    this.bitmapOn = task.bitmap && task.phase === "steady";
    this.payloadStamp = new Float64Array(bitmap.memory.buffer, bitmap.payloadOffsetBytes, 1);
  }

  /** Works until the measured interval is over. Returns null where the run was stopped. */
  run(): NodeMeasurement | null {
    let settled = false;
    let rhythmAtStart: Rhythm = "settling";
    let interval = this.control.interval;
    let delayNs = 0;
    const { source } = this;
    source.start(monotonicNs());

    for (;;) {
      if (this.control.stopped) return null;
      let nowNs = monotonicNs();
      if (!settled && this.isSettled(nowNs)) {
        settled = true;
        this.prepareRecording();
        this.control.settle();
      }
      interval ??= this.control.interval;
      if (interval !== null && !this.recording && nowNs >= interval.fromNs) {
        rhythmAtStart = this.rhythm;
        this.beginRecording(interval.fromNs);
        source.measureFrom(interval.fromNs);
        delayNs = 0;
      }
      if (interval !== null && nowNs >= interval.untilNs) break;

      if (nowNs < source.nextNs) {
        const lookNs =
          interval === null
            ? nowNs + LOOK_FOR_INTERVAL_NS
            : Math.min(nowNs + LOOK_FOR_STOP_NS, this.recording ? interval.untilNs : interval.fromNs);
        this.idleUntil(Math.min(source.nextNs, lookNs));
        nowNs = monotonicNs();
        if (nowNs < source.nextNs) continue;
      }
      this.plug(nowNs);
      if (!this.recording) this.prepareRecording();
      delayNs = nowNs - source.plugIntendedNs;
    }

    const endNs = monotonicNs();
    const fromNs = interval?.fromNs ?? endNs;
    return {
      slot: this.task.slot,
      writes: this.writes,
      durationNs: endNs - fromNs,
      plugs: this.plugs,
      unplugs: this.unplugs,
      pageWrites: { unplug: this.unplugPageWrites, daemon: this.daemonPageWrites },
      dirtyBytes: { mean: this.dirtyBytes.mean(endNs), maximum: this.dirtyBytes.maximum },
      passes: this.steadiness.passes - this.passesBefore,
      rhythmAtStart,
      rhythmAtEnd: this.rhythm,
      finalDelayNs: delayNs,
      writeLatency: this.writeLatency.encode(),
      serviceLatency: this.serviceLatency?.encode() ?? null,
      unplugLatency: this.unplugs === 0 ? null : this.unplugLatency.encode(),
      directIo: this.writer.directIo,
      mapsEachWrite: this.writer.mapsEachWrite,
      failedMembers: this.failedMembers.reported,
      arrayEvents: this.failedMembers.arrayEvents,
      events: this.events,
      eventsDropped: this.eventsDropped,
    };
  }

  close(): void {
    this.writeLatency.close();
    this.serviceLatency?.close();
    this.unplugLatency.close();
  }

  private isSettled(nowNs: number): boolean {
    const elapsedNs = nowNs - this.startNs;
    if (elapsedNs < this.task.warmupNs) return false;
    if (!this.bitmapOn || this.source.empty) return true;
    return this.steadiness.rhythm !== "settling" || elapsedNs >= this.task.settleLimitNs;
  }

  /** Who never writes sets and clears no bit. */
  private get rhythm(): Rhythm {
    return this.source.empty ? "hot" : this.steadiness.rhythm;
  }

  /** In front of the first plug it would delay that; once the interval has begun it would fall into it. */
  private prepareRecording(): void {
    this.writeLatency.prepare();
    this.serviceLatency?.prepare();
    this.unplugLatency.prepare();
  }

  private beginRecording(fromNs: number): void {
    this.recording = true;
    // A cold trial warms the device and this process up without the bitmap, so that every chunk is still clean here.
    this.bitmapOn = this.task.bitmap;
    this.dirtyBytes.start(this.dirtyBytesNow(), fromNs);
    this.passesBefore = this.steadiness.passes;
  }

  private dirtyBytesNow(): number {
    const { chunkBytes, syncSizeSectors } = this.task.geometry;
    return Math.min(this.bitsOnDisk * chunkBytes, syncSizeSectors * SECTOR_BYTES);
  }

  /** One plug of writes, split where md splits it. */
  private plug(startNs: number): void {
    const writes = this.source.plug(startNs);
    for (let left = writes; left > 0; ) left -= this.flush(Math.min(left, PLUG_SPLIT_WRITES), startNs);
    if (this.recording) this.plugs++;
  }

  /** At most `most` of the plug's writes; returns how many. */
  private flush(most: number, startNs: number): number {
    const { bitmap, source, writer } = this;
    const writes = source.next(most);
    const { first } = source;
    this.failedMembers.follow();
    if (this.bitmapOn) {
      // A single synchronous write goes through the md thread, whose pass comes before its unplug; a batch is unplugged by its
      // caller and wakes nobody (golden/writes findings 4 and 8).
      bitmap.startWrites(first, writes);
      const wakeNs = monotonicNs();
      if (this.task.plug === 1 || wakeNs >= this.mdThread.wakesAtNs) this.wakeMdThread(wakeNs);
      const unplugFromNs = monotonicNs();
      const listed = bitmap.unplug();
      if (listed > 0) {
        const failures = writer.writePages(bitmap.pages, listed);
        const doneNs = monotonicNs();
        this.pagesWritten(listed, doneNs);
        this.trace(listed, "unplug", unplugFromNs, doneNs);
        this.takeOut(failures);
        if (this.recording) {
          this.unplugs++;
          this.unplugPageWrites += listed;
          this.unplugLatency.record(doneNs - unplugFromNs);
        }
      }
    }
    // Every plug differs from what its blocks held, as an application's would; all members get the same.
    this.payloadStamp[0] = this.dataPlugs++;
    const failures = writer.writeData(bitmap.ring, first, writes, this.completedNs);
    if (failures.length > 0) {
      this.takeOut(failures);
      // md ends no write of these before the superblocks say who failed.
      this.completedNs.fill(monotonicNs(), 0, writes);
    }
    if (this.recording) {
      for (let write = 0; write < writes; write++) {
        const doneNs = this.completedNs[write] ?? 0;
        this.writeLatency.record(doneNs - (source.countFromNs[first + write] ?? 0));
        this.serviceLatency?.record(doneNs - startNs);
      }
      this.writes += writes;
    }
    if (this.bitmapOn) this.endWrites(first, writes);
    return writes;
  }

  private endWrites(first: number, writes: number): void {
    const { degraded } = this.failedMembers;
    this.bitmap.endWrites(first, writes, degraded);
    if (!degraded) return;
    // Chunks that a member has missed never age, so that the thread soon finds nothing to do: their bits are looked at all the same.
    const nowNs = monotonicNs();
    if (nowNs - this.lastPassNs >= this.task.daemonSleepNs) this.passEnded(nowNs);
  }

  private passEnded(nowNs: number): void {
    this.lastPassNs = nowNs;
    this.steadiness.passEnded(this.bitsOnDisk, this.pageWritesEver);
  }

  private wakeMdThread(nowNs: number): void {
    this.failedMembers.follow();
    if (this.mdThread.wake(nowNs, this.bitmap.allClean)) {
      const listed = this.bitmap.daemonPass();
      if (listed > 0) {
        const failures = this.writer.writePages(this.bitmap.pages, listed);
        const doneNs = monotonicNs();
        this.pagesWritten(listed, doneNs);
        this.trace(listed, "daemon", nowNs, doneNs);
        this.takeOut(failures);
        if (this.recording) this.daemonPageWrites += listed;
      }
      this.passEnded(nowNs);
    }
    this.mdThread.arm(this.bitmap.allClean);
  }

  /** Members that failed: nobody writes to them from here on. @throws SlotmarkError `array-failed` */
  private takeOut(failures: readonly MemberFailure[]): void {
    if (failures.length === 0) return;
    const atNs = monotonicNs();
    for (const { member } of this.failedMembers.failed(failures)) {
      if (!this.task.traced) continue;
      const device = this.task.members[member]?.superblock.devNumber ?? member;
      this.events.push({ kind: "memberFaulty", node: this.task.slot, device, by: "io", atNs });
    }
  }

  /** The pages of one submission: they begin together and are waited for together. */
  private trace(listed: number, cause: PageCause, fromNs: number, untilNs: number): void {
    if (!this.task.traced || !this.recording) return;
    const { page, lengthBytes } = this.bitmap.pages;
    for (let index = 0; index < listed; index++) {
      if (this.events.length === TRACED_PAGE_WRITES) {
        this.eventsDropped++;
        continue;
      }
      this.events.push({
        kind: "pageWrite",
        node: this.task.slot,
        slot: this.task.slot,
        page: page[index] ?? 0,
        lengthBytes: lengthBytes[index] ?? 0,
        cause,
        devices: this.failedMembers.writtenDevices,
        atNs: fromNs,
        durationNs: untilNs - fromNs,
      });
    }
  }

  private pagesWritten(count: number, nowNs: number): void {
    this.bitsOnDisk = this.bitmap.notePagesWritten(count);
    this.pageWritesEver += count;
    if (this.recording) this.dirtyBytes.set(this.dirtyBytesNow(), nowNs);
  }

  /** Waits for the next intended start; the md thread's own timer goes on meanwhile. */
  private idleUntil(untilNs: number): void {
    const timerNs = this.bitmapOn ? this.mdThread.wakesAtNs : Number.POSITIVE_INFINITY;
    pause(Math.min(untilNs, timerNs));
    const nowNs = monotonicNs();
    if (this.bitmapOn && nowNs >= timerNs) this.wakeMdThread(nowNs);
  }
}
