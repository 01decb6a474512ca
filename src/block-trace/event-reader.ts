/** Reads a trace's events in order, a block a call, on the thread that replays them. */
import fs from "node:fs";
import { BLOCK_BYTES, BLOCK_EVENTS, type EventFile, eventBlock } from "./event-block.js";

export class EventReader {
  private readonly block = eventBlock();
  /** Events before the block in memory, and of the next event to be read. */
  private blockFirst = -1;
  private next = 0;

  constructor(private readonly file: EventFile) {}

  get atEnd(): boolean {
    return this.next === this.file.events;
  }

  rewind(): void {
    this.next = 0;
  }

  /** Copies the next events to place `at` of each column on, at most `most`. Returns how many; 0 at the end. */
  read(sector: Float64Array, sectors: Uint32Array, timeNs: Float64Array, at: number, most: number): number {
    let done = 0;
    while (done < most && !this.atEnd) {
      const first = this.loadBlock();
      const from = this.next - first;
      const count = Math.min(most - done, BLOCK_EVENTS - from, this.file.events - this.next);
      sector.set(this.block.sector.subarray(from, from + count), at + done);
      sectors.set(this.block.sectors.subarray(from, from + count), at + done);
      timeNs.set(this.block.timeNs.subarray(from, from + count), at + done);
      this.next += count;
      done += count;
    }
    return done;
  }

  /** The block of the next event; returns its first event's number. */
  private loadBlock(): number {
    const first = this.next - (this.next % BLOCK_EVENTS);
    if (this.blockFirst === first) return first;
    const position = (first / BLOCK_EVENTS) * BLOCK_BYTES;
    const { bytes } = this.block;
    for (let done = 0; done < bytes.length; ) {
      const read = fs.readSync(this.file.descriptor, bytes, done, bytes.length - done, position + done);
      if (read === 0) throw new Error(`the trace's events end at ${position + done}`);
      done += read;
    }
    this.blockFirst = first;
    return first;
  }
}
