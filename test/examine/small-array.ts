/** A small started array in files of a temporary folder, whose bits, data and superblocks a test sets as it likes. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  type MdSuperblock,
  parseMdSuperblock,
  serializeMdSuperblock,
  withChecksum,
} from "../../src/ondisk/md-superblock.js";
import { BITMAP_SUPERBLOCK_BYTES, type SlotGeometry, slotSector } from "../../src/ondisk/slot-geometry.js";
import { type CreateArrayOptions, createArray, resetSlots } from "../../src/storage/array.js";
import { openTestMember } from "../create/open-test-member.js";

const SUPERBLOCK_AT = 4096;
export const CHUNK_BYTES = 65536;

export class SmallArray {
  constructor(
    readonly paths: readonly string[],
    readonly geometry: SlotGeometry,
  ) {}

  /** Sets the bit of each chunk in a slot, on all members or those given. */
  setBits(slot: number, chunks: readonly number[], members = [...this.paths.keys()]): this {
    for (const member of members) {
      for (const chunk of chunks) {
        const at = slotSector(this.geometry, slot) * 512 + BITMAP_SUPERBLOCK_BYTES + Math.floor(chunk / 8);
        const byte = this.read(member, at, 1);
        byte[0] = (byte[0] ?? 0) | (1 << (chunk % 8));
        this.write(member, at, byte);
      }
    }
    return this;
  }

  /** Writes bytes at an offset of each member's data area. */
  writeData(members: readonly number[], offsetBytes: number, bytes: Uint8Array): this {
    for (const member of members)
      this.write(member, this.geometry.dataOffsetSectors * 512 + offsetBytes, bytes);
    return this;
  }

  /** Changes fields of the members' superblocks; the checksum stays right. */
  superblock(members: readonly number[], change: (superblock: MdSuperblock) => Partial<MdSuperblock>): this {
    for (const member of members) {
      const superblock = parseMdSuperblock(this.read(member, SUPERBLOCK_AT, MD_SUPERBLOCK_AREA_BYTES));
      const changed = withChecksum({ ...superblock, ...change(superblock) });
      this.write(member, SUPERBLOCK_AT, serializeMdSuperblock(changed));
    }
    return this;
  }

  read(member: number, offsetBytes: number, lengthBytes: number): Uint8Array {
    const descriptor = openSync(this.paths[member] ?? "", "r");
    const bytes = new Uint8Array(lengthBytes);
    readSync(descriptor, bytes, 0, lengthBytes, offsetBytes);
    closeSync(descriptor);
    return bytes;
  }

  write(member: number, offsetBytes: number, bytes: Uint8Array): void {
    const descriptor = openSync(this.paths[member] ?? "", "r+");
    writeSync(descriptor, bytes, 0, bytes.length, offsetBytes);
    closeSync(descriptor);
  }
}

/** Started once (events 10) and in sync, every bit clear; members of 8 MiB, chunks of 64 KiB, two slots. */
export async function smallArray(
  t: TestContext,
  count = 2,
  options: CreateArrayOptions = {},
): Promise<SmallArray> {
  const folder = mkdtempSync(join(tmpdir(), "slotmark-small-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const members = Array.from({ length: count }, (_, index) =>
    openTestMember(join(folder, `leg${index}`), 8 * 2 ** 20),
  );
  const array = await createArray(members, { nodes: 2, chunkBytes: CHUNK_BYTES, ...options });
  await resetSlots(array);
  for (const member of members) member.close();
  const paths = members.map(({ path }) => path);
  return new SmallArray(paths, array.geometry).superblock([...paths.keys()], () => ({ events: 10n }));
}
