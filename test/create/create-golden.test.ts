/** Arrays made with the UUIDs, name and time of the golden `.raw` images have their bytes below the data offset. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readFixedText } from "../../src/ondisk/fixed-text.js";
import { parseMdSuperblock } from "../../src/ondisk/md-superblock.js";
import { uuidText } from "../../src/ondisk/uuid.js";
import { createArray } from "../../src/storage/array.js";
import { goldenBlocks, goldenUrl, parseGoldenName } from "./golden-image.js";
import { openTestMember } from "./open-test-member.js";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "slotmark-create-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const names = readdirSync(fileURLToPath(goldenUrl("geometry")))
  .filter((name) => name.endsWith(".raw.a.blk.gz"))
  .map((name) => name.slice(0, -".raw.a.blk.gz".length));
assert.ok(names.length >= 14);

for (const name of names) {
  test(`${name}: same bytes as mdadm wrote`, async () => {
    const { memberBytes, nodes, chunkBytes } = parseGoldenName(name);
    const golden = goldenBlocks(`geometry/${name}.raw.a.blk.gz`);
    const expected = parseMdSuperblock(golden.get(4096) ?? new Uint8Array());
    const paths = ["a", "b"].map((leg) => join(folder, `${name}.${leg}`));
    const members = paths.map((path) => openTestMember(path, memberBytes));
    try {
      await createArray(members, {
        nodes,
        chunkBytes,
        level: 1,
        clusterName: "mdlab",
        assumeClean: true,
        setUuid: uuidText(expected.setUuid),
        deviceUuids: [uuidText(expected.deviceUuid), "00000000-0000-0000-0000-000000000001"],
        name: readFixedText(expected.setName),
        createdSeconds: Number(expected.ctime),
      });
      const descriptor = members[0]?.descriptor ?? -1;
      const dataOffsetBytes = Number(expected.dataOffsetSectors) * 512;
      const found = Buffer.alloc(dataOffsetBytes);
      assert.equal(readSync(descriptor, found, 0, dataOffsetBytes, 0), dataOffsetBytes);
      const wanted = Buffer.alloc(dataOffsetBytes);
      for (const [offset, block] of golden) block.copy(wanted, offset);
      for (let at = 0; at < dataOffsetBytes; at += 4096) {
        const [a, b] = [found.subarray(at, at + 4096), wanted.subarray(at, at + 4096)];
        assert.ok(a.equals(b), `block at byte ${at} differs`);
      }
    } finally {
      for (const member of members) member.close();
      for (const path of paths) rmSync(path);
    }
  });
}
