/**
 * A trace ready to be replayed: read and checked as a whole, its writes kept in a file without a name, and on demand split over a
 * number of nodes into such a file for each. Memory does not grow with the trace.
 */
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { BLOCK_EVENTS, type EventFile, eventBlock } from "./event-block.js";
import { EventReader } from "./event-reader.js";
import { EventWriter } from "./event-writer.js";
import { type ReadTraceOptions, readTrace } from "./read-trace.js";
import { type SplitOptions, splitWrite } from "./split-writes.js";
import type { TraceSummary } from "./trace-summary.js";

export interface PrepareOptions extends Omit<ReadTraceOptions, "sink"> {
  /** Where the files without a name take their room. */
  readonly folder: string;
  /** Told every write. */
  readonly touched?: { add(offsetBytes: number, lengthBytes: number): void } | undefined;
}

export class PreparedTrace {
  private readonly splits = new Map<string, readonly EventFile[]>();

  private constructor(
    readonly path: string,
    readonly summary: TraceSummary,
    private readonly events: EventFile,
    private readonly folder: string,
    private readonly writers: EventWriter[],
  ) {}

  /** @throws SlotmarkError what `readTrace` refuses; `trace-no-room` */
  static async prepare(path: string, options: PrepareOptions): Promise<PreparedTrace> {
    const { folder, touched } = options;
    const writer = await EventWriter.open(folder);
    try {
      const sink = {
        add(sector: number, sectors: number, timeNs: number): boolean {
          touched?.add(sector * SECTOR_BYTES, sectors * SECTOR_BYTES);
          return writer.add(sector, sectors, timeNs);
        },
        flush: () => writer.flush(),
      };
      const summary = await readTrace(path, { ...options, sink });
      return new PreparedTrace(path, summary, await writer.finish(), folder, [writer]);
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** Each node's events, in the order of the nodes. @throws SlotmarkError `trace-no-room` */
  async forNodes(options: SplitOptions, signal?: AbortSignal): Promise<readonly EventFile[]> {
    const key = JSON.stringify([options.nodes, options.overlap, options.stripeSectors]);
    const files = this.splits.get(key) ?? (await this.split(options, signal));
    this.splits.set(key, files);
    return files;
  }

  async close(): Promise<void> {
    await Promise.all(this.writers.splice(0).map((writer) => writer.close()));
  }

  private async split(options: SplitOptions, signal?: AbortSignal): Promise<readonly EventFile[]> {
    const writers: EventWriter[] = [];
    for (let node = 0; node < options.nodes; node++) {
      const writer = await EventWriter.open(this.folder);
      this.writers.push(writer);
      writers.push(writer);
    }
    const reader = new EventReader(this.events);
    const { sector, sectors, timeNs } = eventBlock();
    for (let index = 0; !reader.atEnd; ) {
      signal?.throwIfAborted();
      const count = reader.read(sector, sectors, timeNs, 0, BLOCK_EVENTS);
      for (let event = 0; event < count; event++) {
        for (const part of splitWrite(options, index, sector[event] ?? 0, sectors[event] ?? 0)) {
          const writer = writers[part.node];
          if (writer?.add(part.sector, part.sectors, timeNs[event] ?? 0)) await writer.flush();
        }
        index++;
      }
    }
    return await Promise.all(writers.map((writer) => writer.finish()));
  }
}
