/**
 * A node at work in one trial: it owns a slot, submits plugs of writes and makes the bitmap pages they need durable before their
 * data, as md does (spec §3.2, design "The data's way through a run"). Everything between two plugs runs on this thread alone.
 */
import { MdThread } from "../bitmap/md-thread.js";
import type { WasmBitmap } from "../bitmap/wasm.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import type { PageWriter } from "../storage/page-writer.js";
import type { ClusterEvent, PageCause } from "./cluster-event.js";
import type { Control } from "./control.js";
import {
  encodeHistogram,
  type LatencyHistogram,
  latencyHistogram,
  recordLatency,
} from "./latency-histogram.js";
import { LevelOverTime } from "./level-over-time.js";
import type { NodeMeasurement, NodeTask } from "./node-task.js";
import { pause } from "./pause.js";
import { type Rhythm, Steadiness } from "./steadiness.js";

/** md flushes a plug by itself at 32 × copies member bios, copies being twice the members (spec §3.2 step 5). */
const PLUG_SPLIT_WRITES = 64;

/** So many page writes of a trial a trace holds; viewers choke on more. */
const TRACED_PAGE_WRITES = 20_000;

export class Node {
  private readonly mdThread: MdThread;
  private readonly steadiness = new Steadiness();
  private readonly dirtyBytes = new LevelOverTime();
  private readonly writeLatency: LatencyHistogram = latencyHistogram();
  private readonly serviceLatency: LatencyHistogram | null;
  private readonly unplugLatency: LatencyHistogram = latencyHistogram();
  private readonly startNs = monotonicNs();
  private bitmapOn: boolean;
  private recording = false;
  private ringNext: number;
  private writesUntilRepeat: number;
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
  private readonly events: ClusterEvent[] = [];
  private eventsDropped = 0;

  constructor(
    private readonly task: NodeTask,
    private readonly bitmap: WasmBitmap,
    private readonly writer: PageWriter,
    private readonly control: Control,
  ) {
    this.mdThread = new MdThread(task.daemonSleepNs, this.startNs);
    // Loading a bitmap arms the thread's timer (md_bitmap_load).
    this.mdThread.arm(false);
    this.serviceLatency = task.ratePerSecond === null ? null : latencyHistogram();
    this.bitmapOn = task.bitmap && task.phase === "steady";
    this.ringNext = bitmap.ring.capacity;
    this.writesUntilRepeat = task.writesBeforeRepeat ?? Number.POSITIVE_INFINITY;
    this.payloadStamp = new Float64Array(bitmap.memory.buffer, bitmap.payloadOffsetBytes, 1);
  }

  /** Works until the measured interval is over. Returns null where the run was stopped. */
  run(): NodeMeasurement | null {
    let settled = false;
    let rhythmAtStart: Rhythm = "settling";
    let interval = this.control.interval;
    let intendedNs = monotonicNs();
    const everyNs = this.task.ratePerSecond === null ? 0 : (this.task.plug * 1e9) / this.task.ratePerSecond;
    // Nodes of one cluster do not start their plugs at the same instant.
    intendedNs += (everyNs * this.task.workload.node) / this.task.workload.nodes;
    let lastStartNs = intendedNs;

    for (;;) {
      if (this.control.stopped) return null;
      let nowNs = monotonicNs();
      if (!settled && this.isSettled(nowNs)) {
        settled = true;
        this.control.settle();
      }
      interval ??= this.control.interval;
      if (interval !== null && !this.recording && nowNs >= interval.fromNs) {
        rhythmAtStart = this.steadiness.rhythm;
        this.beginRecording(interval.fromNs);
        if (everyNs > 0) intendedNs = Math.max(intendedNs, interval.fromNs);
      }
      if (interval !== null && nowNs >= interval.untilNs) break;

      if (everyNs > 0 && nowNs < intendedNs) {
        this.idleUntil(Math.min(intendedNs, interval?.untilNs ?? intendedNs));
        nowNs = monotonicNs();
        if (nowNs < intendedNs) continue;
      }
      lastStartNs = nowNs;
      this.plug(everyNs > 0 ? intendedNs : nowNs, nowNs);
      if (everyNs > 0) intendedNs += everyNs;
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
      rhythmAtEnd: this.steadiness.rhythm,
      finalDelayNs: everyNs > 0 ? Math.max(0, lastStartNs - (intendedNs - everyNs)) : 0,
      writeLatency: encodeHistogram(this.writeLatency),
      serviceLatency: this.serviceLatency === null ? null : encodeHistogram(this.serviceLatency),
      unplugLatency: this.unplugs === 0 ? null : encodeHistogram(this.unplugLatency),
      directIo: this.writer.directIo,
      events: this.events,
      eventsDropped: this.eventsDropped,
    };
  }

  close(): void {
    this.writeLatency.destroy();
    this.serviceLatency?.destroy();
    this.unplugLatency.destroy();
  }

  private isSettled(nowNs: number): boolean {
    const elapsedNs = nowNs - this.startNs;
    if (elapsedNs < this.task.warmupNs) return false;
    if (!this.bitmapOn) return true;
    return this.steadiness.rhythm !== "settling" || elapsedNs >= this.task.settleLimitNs;
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

  /** One plug of writes, split where md splits it; latencies of all count from `countFromNs`. */
  private plug(countFromNs: number, startNs: number): void {
    for (let left = this.task.plug; left > 0; ) {
      const writes = Math.min(left, PLUG_SPLIT_WRITES);
      this.flush(writes, countFromNs, startNs);
      left -= writes;
    }
    if (this.recording) this.plugs++;
  }

  private flush(writes: number, countFromNs: number, startNs: number): void {
    const { bitmap, writer } = this;
    const first = this.nextEvents(writes);
    if (this.bitmapOn) {
      // A single synchronous write goes through the md thread, whose pass comes before its unplug; a batch is unplugged by its
      // caller and wakes nobody (golden/writes findings 4 and 8).
      bitmap.startWrites(first, writes);
      const wakeNs = monotonicNs();
      if (this.task.plug === 1 || wakeNs >= this.mdThread.wakesAtNs) this.wakeMdThread(wakeNs);
      const unplugFromNs = monotonicNs();
      const listed = bitmap.unplug();
      if (listed > 0) {
        writer.writePages(bitmap.pages, listed);
        const doneNs = monotonicNs();
        this.pagesWritten(listed, doneNs);
        this.trace(listed, "unplug", unplugFromNs, doneNs);
        if (this.recording) {
          this.unplugs++;
          this.unplugPageWrites += listed;
          recordLatency(this.unplugLatency, doneNs - unplugFromNs);
        }
      }
    }
    // Every plug differs from what its blocks held, as an application's would; all members get the same.
    this.payloadStamp[0] = this.dataPlugs++;
    writer.writeData(bitmap.ring, first, writes, this.completedNs);
    if (this.recording) {
      for (let write = 0; write < writes; write++) {
        const doneNs = this.completedNs[write] ?? 0;
        recordLatency(this.writeLatency, doneNs - countFromNs);
        if (this.serviceLatency !== null) recordLatency(this.serviceLatency, doneNs - startNs);
      }
      this.writes += writes;
    }
    if (this.bitmapOn) bitmap.endWrites(first, writes, false);
  }

  private wakeMdThread(nowNs: number): void {
    if (this.mdThread.wake(nowNs, this.bitmap.allClean)) {
      const listed = this.bitmap.daemonPass();
      if (listed > 0) {
        this.writer.writePages(this.bitmap.pages, listed);
        const doneNs = monotonicNs();
        this.pagesWritten(listed, doneNs);
        this.trace(listed, "daemon", nowNs, doneNs);
        if (this.recording) this.daemonPageWrites += listed;
      }
      this.steadiness.passEnded(this.bitsOnDisk, this.pageWritesEver);
    }
    this.mdThread.arm(this.bitmap.allClean);
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
        devices: this.task.members.map((_, device) => device),
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

  /** Ring index of the next `writes` events; refills the ring with whole plugs. */
  private nextEvents(writes: number): number {
    const { ring } = this.bitmap;
    if (this.ringNext + writes > ring.capacity) {
      if (this.writesUntilRepeat <= 0) {
        this.bitmap.configureWorkload(this.task.workload);
        this.writesUntilRepeat = this.task.writesBeforeRepeat ?? Number.POSITIVE_INFINITY;
      }
      this.writesUntilRepeat -= ring.capacity;
      this.bitmap.generate(0, ring.capacity, Math.min(this.task.plug, PLUG_SPLIT_WRITES));
      this.ringNext = 0;
    }
    const first = this.ringNext;
    this.ringNext += writes;
    return first;
  }
}
