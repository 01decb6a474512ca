/** Superblocks: bytes to values and back, checksum, UUIDs, state names. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import {
  parseBitmapSuperblock,
  serializeBitmapSuperblock,
  stateNames,
} from "../../src/ondisk/bitmap-superblock.js";
import {
  mdChecksum,
  mdSuperblockBytes,
  parseMdSuperblock,
  serializeMdSuperblock,
  withChecksum,
} from "../../src/ondisk/md-superblock.js";
import { checkMdSuperblock } from "../../src/ondisk/md-superblock-check.js";
import { parseUuid, uuidText } from "../../src/ondisk/uuid.js";
import { goldenBlocks, goldenUrl } from "../create/golden-image.js";

const images = readdirSync(fileURLToPath(goldenUrl("geometry")))
  .filter((name) => name.endsWith(".blk.gz"))
  .map((name) => `geometry/${name}`);

function md(image: string): Buffer {
  const block = goldenBlocks(image).get(4096);
  assert.ok(block !== undefined);
  return block;
}

test("golden superblocks survive parsing and writing, and their checksums are right", () => {
  assert.ok(images.length >= 70);
  for (const image of images) {
    const bytes = md(image);
    const superblock = parseMdSuperblock(bytes);
    const length = mdSuperblockBytes(superblock.maxDev);
    assert.ok(bytes.subarray(0, length).equals(serializeMdSuperblock(superblock)), image);
    assert.equal(mdChecksum(bytes), superblock.checksum, image);
    assert.deepEqual(withChecksum({ ...superblock, checksum: 0 }), superblock);
    for (const [offset, block] of goldenBlocks(image)) {
      if (offset < 8192 || block.readUInt32LE(0) !== 0x6d746962) continue;
      const bitmap = block.subarray(0, 256);
      assert.ok(bitmap.equals(serializeBitmapSuperblock(parseBitmapSuperblock(bitmap))), image);
    }
  }
});

test("any bytes survive parsing and writing", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 256, maxLength: 256 }),
      fc.integer({ min: 0, max: 1920 }),
      (head, roles) => {
        assert.deepEqual(serializeBitmapSuperblock(parseBitmapSuperblock(head)), head);
        const bytes = new Uint8Array(mdSuperblockBytes(roles)).fill(0x5a);
        bytes.set(head);
        new DataView(bytes.buffer).setUint32(220, roles, true);
        assert.deepEqual(serializeMdSuperblock(parseMdSuperblock(bytes)), bytes);
      },
    ),
  );
});

test("the checksum agrees with a second computation", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 4096, maxLength: 4096 }),
      fc.integer({ min: 0, max: 1920 }),
      (area, maxDev) => {
        const view = new DataView(area.buffer);
        view.setUint32(220, maxDev, true);
        const length = 256 + maxDev * 2;
        const zeroed = Buffer.from(area.subarray(0, length));
        zeroed.writeUInt32LE(0, 216);
        let sum = 0n;
        for (let at = 0; at + 4 <= length; at += 4) sum += BigInt(zeroed.readUInt32LE(at));
        if (length % 4 !== 0) sum += BigInt(zeroed.readUInt16LE(length - 2));
        assert.equal(BigInt(mdChecksum(area)), ((sum & 0xffff_ffffn) + (sum >> 32n)) & 0xffff_ffffn);
      },
    ),
  );
});

test("every flipped bit of the checksummed bytes is noticed", () => {
  const bytes = Buffer.from(md("geometry/s1G_n2_c64K.dirty.a.blk.gz"));
  const check = () =>
    checkMdSuperblock(bytes, parseMdSuperblock(bytes), {
      origin: { member: "leg", offsetBytes: 4096 },
      memberSectors: 2 ** 21,
      logicalBlockBytes: 512,
    });
  check();
  for (let bit = 0; bit < mdSuperblockBytes(128) * 8; bit++) {
    const at = bit >> 3;
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at);
    assert.throws(check, { name: "SlotmarkError", kind: "input" });
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at);
  }
  check();
});

test("UUIDs are raw bytes in order, in either spelling", () => {
  const text = "a3888b51-dbb3-2f93-e1da-e2bafee27572";
  assert.equal(uuidText(parseMdSuperblock(md("geometry/s1G_n2_c64K.raw.a.blk.gz")).setUuid), text);
  assert.equal(uuidText(parseUuid("A3888B51:dbb32f93:e1dae2ba:fee27572")), text);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.deepEqual(parseUuid(uuidText(bytes)), bytes);
    }),
  );
  for (const wrong of ["", "a3888b51", `${text}0`, text.replace("a", "g"), text.replaceAll("-", "")]) {
    assert.throws(() => parseUuid(wrong), { code: "uuid-invalid", kind: "usage" });
  }
});

test("states have the kernel's names, and bits without one keep their number", () => {
  assert.deepEqual(stateNames(0), []);
  assert.deepEqual(stateNames(2), ["stale"]);
  assert.deepEqual(stateNames(0x8006), ["stale", "writeError", "hostEndian"]);
  assert.deepEqual(stateNames(0x8000_0001), ["bit0", "bit31"]);
});
