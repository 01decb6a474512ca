/**
 * A node's writes from its part of a trace. In open loop each has its time, and a plug takes what is due, as md's thread would find it
 * gathered; in closed loop plugs are full. At its end the trace begins again. The measured interval begins with the trace's first
 * write, so that a trial and its twin, whose warm-ups differ, measure the same writes.
 */

import type { EventRing } from "../bitmap/slot-bitmap.js";
import type { EventReader } from "../block-trace/event-reader.js";
import type { WriteSource, WritesTask } from "./write-source.js";

/** 64 KiB: writes that touch no common one do not overlap, and need not be held against each other. */
const GRANULE_SECTORS = 128;
/** Granules share places; who meets another's mark is looked at closely. */
const GRANULE_MARKS = 1024;

export class TracedWrites implements WriteSource {
  readonly openLoop: boolean;
  readonly empty: boolean;
  readonly countFromNs: Float64Array;
  plugIntendedNs = 0;
  first = 0;
  /** The plug's writes that `next` has not given yet. */
  private left = 0;
  /** Writes in the ring that no plug has taken: [ringNext, ringEnd). */
  private ringNext = 0;
  private ringEnd = 0;
  private lapStartNs = 0;
  /** By granule: the run that touched it last. */
  private readonly marks = new Float64Array(GRANULE_MARKS);
  private run = 0;
  private readonly lapNs: number;

  constructor(
    private readonly task: Extract<WritesTask, { kind: "traced" }>,
    private readonly reader: EventReader,
    private readonly ring: EventRing,
    private readonly plugWrites: number,
  ) {
    this.empty = task.events.events === 0;
    this.openLoop = task.timeScale !== null;
    this.lapNs = task.periodNs * (task.timeScale ?? 0);
    this.countFromNs = new Float64Array(ring.capacity);
  }

  get nextNs(): number {
    if (this.empty) return Number.POSITIVE_INFINITY;
    if (!this.openLoop) return Number.NEGATIVE_INFINITY;
    if (this.ringNext === this.ringEnd) this.fillRing();
    return this.countFromNs[this.ringNext] ?? Number.POSITIVE_INFINITY;
  }

  start(nowNs: number): void {
    this.reader.rewind();
    this.lapStartNs = nowNs;
    this.ringNext = 0;
    this.ringEnd = 0;
    this.left = 0;
    this.fillRing();
  }

  measureFrom(fromNs: number): void {
    this.start(fromNs);
  }

  plug(nowNs: number): number {
    if (this.ringEnd - this.ringNext < this.plugWrites) this.fillRing();
    const most = Math.min(this.plugWrites, this.ringEnd - this.ringNext);
    if (this.openLoop) {
      this.plugIntendedNs = this.nextNs;
      this.left = 0;
      while (this.left < most && (this.countFromNs[this.ringNext + this.left] ?? 0) <= nowNs) this.left++;
    } else {
      this.plugIntendedNs = nowNs;
      this.left = most;
      this.countFromNs.fill(nowNs, this.ringNext, this.ringNext + most);
    }
    return this.left;
  }

  next(most: number): number {
    this.first = this.ringNext;
    const wanted = Math.min(most, this.left);
    this.run++;
    this.mark(this.first);
    let count = 1;
    while (count < wanted && !(this.mark(this.first + count) && this.overlapsEarlier(this.first + count)))
      count++;
    this.ringNext += count;
    this.left -= count;
    return count;
  }

  /** Marks the write's granules; returns whether the run has marked one of them before. */
  private mark(index: number): boolean {
    const sector = this.ring.sector[index] ?? 0;
    const last = Math.floor((sector + (this.ring.sectors[index] ?? 0) - 1) / GRANULE_SECTORS);
    let met = false;
    for (let granule = Math.floor(sector / GRANULE_SECTORS); granule <= last; granule++) {
      const place = granule % GRANULE_MARKS;
      if (this.marks[place] === this.run) met = true;
      this.marks[place] = this.run;
    }
    return met;
  }

  /** Two writes to the same sectors may not be under way at once: members could end up with different ones. */
  private overlapsEarlier(index: number): boolean {
    const { sector, sectors } = this.ring;
    const from = sector[index] ?? 0;
    const to = from + (sectors[index] ?? 0);
    for (let earlier = this.first; earlier < index; earlier++) {
      const start = sector[earlier] ?? 0;
      if (from < start + (sectors[earlier] ?? 0) && start < to) return true;
    }
    return false;
  }

  /** Moves what is left to the ring's start and reads on behind it. */
  private fillRing(): void {
    const { ring, countFromNs, reader } = this;
    if (this.empty) return;
    for (const column of [ring.sector, ring.sectors, countFromNs])
      column.copyWithin(0, this.ringNext, this.ringEnd);
    this.ringEnd -= this.ringNext;
    this.ringNext = 0;
    while (this.ringEnd < ring.capacity) {
      if (reader.atEnd) {
        reader.rewind();
        this.lapStartNs += this.lapNs;
      }
      const count = reader.read(
        ring.sector,
        ring.sectors,
        countFromNs,
        this.ringEnd,
        ring.capacity - this.ringEnd,
      );
      this.intend(this.ringEnd, this.ringEnd + count);
      this.ringEnd += count;
    }
  }

  /** Events' times as times at which they are meant to start. */
  private intend(from: number, to: number): void {
    const { countFromNs, lapStartNs } = this;
    const scale = this.task.timeScale ?? 0;
    for (let index = from; index < to; index++)
      countFromNs[index] = lapStartNs + (countFromNs[index] ?? 0) * scale;
  }
}
