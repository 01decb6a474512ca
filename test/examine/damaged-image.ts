/** Images of a member with chosen bytes changed, for what examine must refuse. */
import { writeFileSync } from "node:fs";
import { mdChecksum } from "../../src/ondisk/md-superblock.js";
import { goldenBlocks } from "../create/golden-image.js";

export const SUPERBLOCK_AT = 4096;

/** An image of metadata alone, in memory. */
export class DamagedImage {
  readonly bytes: Buffer;

  constructor(golden: string) {
    const blocks = goldenBlocks(golden);
    this.bytes = Buffer.alloc(Math.max(...blocks.keys()) + 4096);
    for (const [offset, block] of blocks) block.copy(this.bytes, offset);
  }

  u32(at: number, value: number): this {
    this.bytes.writeUInt32LE(value >>> 0, at);
    return this;
  }

  orU32(at: number, bits: number): this {
    return this.u32(at, this.bytes.readUInt32LE(at) | bits);
  }

  u64(at: number, value: bigint): this {
    this.bytes.writeBigUInt64LE(value, at);
    return this;
  }

  flip(at: number, bit: number): this {
    this.bytes.writeUInt8(this.bytes.readUInt8(at) ^ (1 << bit), at);
    return this;
  }

  /** Makes the md superblock's checksum right again. */
  sum(): this {
    return this.u32(
      SUPERBLOCK_AT + 216,
      mdChecksum(this.bytes.subarray(SUPERBLOCK_AT, SUPERBLOCK_AT + 4096)),
    );
  }

  write(path: string): string {
    writeFileSync(path, this.bytes);
    return path;
  }
}
