/** Writes events to a file that has no name: whatever ends the process, nothing of it stays behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { SlotmarkError } from "../errors.js";
import { BLOCK_EVENTS, type EventFile, eventBlock } from "./event-block.js";

export class EventWriter {
  private readonly block = eventBlock();
  private inBlock = 0;
  private flushed = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly folder: string,
  ) {}

  /** @throws SlotmarkError `trace-no-room` where the folder takes no file */
  static async open(folder: string): Promise<EventWriter> {
    try {
      const own = mkdtempSync(path.join(folder, "slotmark-trace-"));
      try {
        return new EventWriter(await open(path.join(own, "events"), "wx+", 0o600), folder);
      } finally {
        rmSync(own, { recursive: true, force: true });
      }
    } catch (error) {
      throw noRoom(folder, error);
    }
  }

  /** True: the block is full, and `flush` has to come before the next event. */
  add(sector: number, sectors: number, timeNs: number): boolean {
    const { block } = this;
    block.sector[this.inBlock] = sector;
    block.sectors[this.inBlock] = sectors;
    block.timeNs[this.inBlock] = timeNs;
    return ++this.inBlock === BLOCK_EVENTS;
  }

  /** @throws SlotmarkError `trace-no-room` */
  async flush(): Promise<void> {
    const { bytes } = this.block;
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done);
        done += bytesWritten;
      }
    } catch (error) {
      throw noRoom(this.folder, error);
    }
    this.flushed += this.inBlock;
    this.inBlock = 0;
  }

  /** The events so far, ready to be read by any thread until `close`. */
  async finish(): Promise<EventFile> {
    if (this.inBlock > 0) await this.flush();
    return { descriptor: this.file.fd, events: this.flushed };
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

function noRoom(folder: string, error: unknown): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "trace-no-room",
    `${folder} cannot hold the trace's events, 20 bytes a write and as many again for each number of nodes: ${error instanceof Error ? error.message : error}`,
    "Make room there, or name another folder in TMPDIR.",
  );
}
