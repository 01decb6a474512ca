/**
 * What a node submits, recorded without writing anything, as `native/examples/bare_ring.rs` reads it: little-endian 64-bit numbers,
 * first memory bytes and two registered stretches (offset, length), then batches: 1 where the members are flushed first plus 2
 * where the writes are durable plus 4 where they are data; number of writes; for each member, memory offset, member offset, length.
 */
import { writeFileSync } from "node:fs";
import { PAGE_BYTES, SECTOR_BYTES } from "../../src/ondisk/slot-geometry.js";
import { NO_FAILURES, type PageWriter, type PageWriterOptions } from "../../src/storage/page-writer.js";

const FLUSH_FIRST = 1;
const DURABLE = 2;
const DATA = 4;

export class Recording {
  private readonly numbers: number[] = [];
  /** Writes of one member, pages and data. */
  writes = 0;

  /** A writer that only notes what it is asked to write. */
  writer(options: PageWriterOptions): PageWriter {
    const { members, memory, imageOffsetBytes, payloadOffsetBytes, durability, dataSync } = options;
    this.numbers.push(memory.byteLength, imageOffsetBytes, options.imageBytes);
    this.numbers.push(payloadOffsetBytes, options.payloadBytes);
    const pageFlags =
      (durability === "preflush-fua" ? FLUSH_FIRST : 0) + (durability === "none" ? 0 : DURABLE);
    return {
      io: "uring",
      members: "parallel",
      directIo: true,
      mapsEachWrite: false,
      writePages: ({ page, offsetBytes, lengthBytes }, count) => {
        this.batch(pageFlags, count * members.length);
        for (let index = 0; index < count; index++) {
          const from = imageOffsetBytes + (page[index] ?? 0) * PAGE_BYTES;
          for (const member of members.keys()) {
            this.numbers.push(member, from, offsetBytes[index] ?? 0, lengthBytes[index] ?? 0);
          }
        }
        return NO_FAILURES;
      },
      writeData: ({ sector, sectors }, first, count, completedNs) => {
        this.batch(DATA + (dataSync ? DURABLE : 0), count * members.length);
        for (let event = first; event < first + count; event++) {
          const lengthBytes = (sectors[event] ?? 0) * SECTOR_BYTES;
          for (const [member, { dataOffsetBytes }] of members.entries()) {
            const offsetBytes = dataOffsetBytes + (sector[event] ?? 0) * SECTOR_BYTES;
            this.numbers.push(member, payloadOffsetBytes, offsetBytes, lengthBytes);
          }
        }
        completedNs.fill(0, 0, count);
        return NO_FAILURES;
      },
      giveUp: () => {},
      close: () => {},
    };
  }

  save(path: string): void {
    writeFileSync(path, BigUint64Array.from(this.numbers, BigInt));
  }

  private batch(flags: number, writes: number): void {
    this.numbers.push(flags, writes);
    this.writes += writes;
  }
}
