/** A node's writes from the generator: plugs of one size, back to back or at even distances. */
import type { WasmBitmap } from "../bitmap/wasm.js";
import { PLUG_SPLIT_WRITES, type WriteSource, type WritesTask } from "./write-source.js";

export class GeneratedWrites implements WriteSource {
  readonly openLoop: boolean;
  readonly empty = false;
  readonly countFromNs: Float64Array;
  nextNs = Number.NEGATIVE_INFINITY;
  plugIntendedNs = 0;
  first = 0;
  private readonly everyNs: number;
  private ringNext: number;
  private writesUntilRepeat: number;

  constructor(
    private readonly task: Extract<WritesTask, { kind: "generated" }>,
    private readonly bitmap: WasmBitmap,
    private readonly plugWrites: number,
  ) {
    const { ratePerSecond, writesBeforeRepeat, workload } = task;
    bitmap.configureWorkload(workload);
    this.openLoop = ratePerSecond !== null;
    this.everyNs = ratePerSecond === null ? 0 : (plugWrites * 1e9) / ratePerSecond;
    this.ringNext = bitmap.ring.capacity;
    this.countFromNs = new Float64Array(bitmap.ring.capacity);
    this.writesUntilRepeat = writesBeforeRepeat ?? Number.POSITIVE_INFINITY;
  }

  start(nowNs: number): void {
    if (!this.openLoop) return;
    // Nodes of one cluster do not start their plugs at the same instant.
    const { node, nodes } = this.task.workload;
    this.nextNs = nowNs + (this.everyNs * node) / nodes;
  }

  measureFrom(fromNs: number): void {
    if (this.openLoop) this.nextNs = Math.max(this.nextNs, fromNs);
  }

  plug(nowNs: number): number {
    this.plugIntendedNs = this.openLoop ? this.nextNs : nowNs;
    if (this.openLoop) this.nextNs += this.everyNs;
    return this.plugWrites;
  }

  next(most: number): number {
    if (this.ringNext + most > this.bitmap.ring.capacity) this.fillRing();
    this.first = this.ringNext;
    this.ringNext += most;
    this.countFromNs.fill(this.plugIntendedNs, this.first, this.ringNext);
    return most;
  }

  /** With whole plugs. */
  private fillRing(): void {
    const { bitmap, task } = this;
    const { capacity } = bitmap.ring;
    if (this.writesUntilRepeat <= 0) {
      bitmap.configureWorkload(task.workload);
      this.writesUntilRepeat = task.writesBeforeRepeat ?? Number.POSITIVE_INFINITY;
    }
    this.writesUntilRepeat -= capacity;
    bitmap.generate(0, capacity, Math.min(this.plugWrites, PLUG_SPLIT_WRITES));
    this.ringNext = 0;
  }
}
