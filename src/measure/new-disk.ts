/** The disk that the suite `add-disk` adds: the last `--member`, or a temporary file beside the members. */
import fs from "node:fs";
import path from "node:path";
import type { RunMembers } from "./run-members.js";

const PIECE_BYTES = 1 << 20;

export class NewDisk {
  private constructor(
    readonly path: string,
    private destroy: boolean,
    private readonly temporary: boolean,
  ) {}

  /**
   * @param given null: a temporary file, as long as the members, its superblock and slots written once
   * @param destroy paths whose contents were given up
   */
  static prepare(given: string | null, members: RunMembers, destroy: readonly string[]): NewDisk {
    if (given !== null) return new NewDisk(given, destroy.includes(given), false);
    const [first] = members.members;
    if (first === undefined) throw new Error("an array has members");
    const file = path.join(path.dirname(first.path), "new-disk.img");
    const descriptor = fs.openSync(file, "wx");
    try {
      const zeroes = Buffer.alloc(PIECE_BYTES);
      for (let at = 0; at < METADATA_BYTES; at += PIECE_BYTES)
        fs.writeSync(descriptor, zeroes, 0, PIECE_BYTES, at);
      fs.ftruncateSync(descriptor, first.sizeBytes);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    // Its zeroes are this run's own.
    return new NewDisk(file, true, true);
  }

  get request(): { readonly path: string; readonly destroy: boolean } {
    return { path: this.path, destroy: this.destroy };
  }

  /** From here on what is on it is this run's own. */
  taken(): void {
    this.destroy = true;
  }

  close(): void {
    if (this.temporary) fs.rmSync(this.path, { force: true });
  }
}

/** More than the superblock and the slots of any array of this suite. */
const METADATA_BYTES = 16 << 20;
