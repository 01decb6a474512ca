/** Every image of golden/geometry examines to what mdadm said of it, and to the chunks that were being written. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { expandGolden, goldenUrl, parseGoldenName } from "../create/golden-image.js";
import { chunksOf, examined, examinedOne } from "./examined.js";
import { assertAgreesWithBitmap, assertAgreesWithExamine, parseGoldenText } from "./mdadm-text.js";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "slotmark-examine-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const files = readdirSync(fileURLToPath(goldenUrl("geometry")));
const names = files.flatMap((name) => (name.endsWith(".info") ? [name.slice(0, -".info".length)] : []));
assert.ok(names.length >= 14);

function text(relative: string): string {
  return readFileSync(goldenUrl(relative), "utf8");
}

/** An image of a whole member. */
function image(name: string, state: string, leg: string): string {
  const path = join(folder, `${name}.${state}.${leg}`);
  expandGolden(`geometry/${name}.${state}.${leg}.blk.gz`, path, parseGoldenName(name).memberBytes);
  return path;
}

for (const name of names) {
  test(`${name}: raw and fresh`, async () => {
    const { nodes } = parseGoldenName(name);
    const raw = await examinedOne(image(name, "raw", "a"));
    assert.equal(raw.superblock.resyncOffset, "none");
    assert.equal(raw.bitmap.nodes, nodes);
    for (const { slot, dirtyChunks, dirtyRanges, events } of raw.bitmap.slots) {
      assert.equal(dirtyChunks, slot === 0 ? raw.bitmap.chunks : 0);
      assert.deepEqual(dirtyRanges, slot === 0 ? [[0, raw.bitmap.chunks - 1]] : []);
      assert.equal(events, 0);
    }
    const fresh = await examinedOne(image(name, "fresh", "a"));
    assert.deepEqual(
      fresh.bitmap.slots.map(({ dirtyChunks }) => dirtyChunks),
      Array(nodes).fill(0),
    );
  });

  test(`${name}: dirty agrees with mdadm and with the writes in flight`, async () => {
    const dirty = await examinedOne(image(name, "dirty", "a"));
    const [mdadm] = parseGoldenText(text(`geometry/${name}.dirty.mdadm.txt`));
    assert.ok(mdadm !== undefined);
    assertAgreesWithExamine(dirty, mdadm.examine);
    assertAgreesWithBitmap(dirty.bitmap, mdadm.bitmap);
    const info = text(`geometry/${name}.info`).match(/at_KiB (.*)/)?.[1] ?? "";
    const written = info.split(" ").map((kib) => Math.floor((Number(kib) * 1024) / dirty.bitmap.chunkBytes));
    assert.equal(written.length, 4);
    const [first, ...others] = dirty.bitmap.slots;
    assert.ok(first !== undefined);
    assert.deepEqual(chunksOf(first), [...new Set(written)]);
    for (const other of others) assert.deepEqual(other.dirtyRanges, []);
  });

  test(`${name}: both members after a stop agree with mdadm and with each other`, async () => {
    const members = await examined(
      ["a", "b"].map((leg) => image(name, "stopped", leg)),
      true,
    );
    const sections = parseGoldenText(text(`geometry/${name}.stopped.mdadm.txt`));
    assert.equal(sections.length, 2);
    for (const [index, member] of members.entries()) {
      const section = sections[index];
      assert.ok(section !== undefined && member.bitmap !== null);
      assertAgreesWithExamine(member, section.examine);
      assertAgreesWithBitmap(member.bitmap, section.bitmap);
    }
    assert.deepEqual(members[0]?.bitmap, members[1]?.bitmap);
  });

  test(`${name}: an image of metadata alone says the same`, async () => {
    const path = join(folder, `${name}.metadata`);
    expandGolden(`geometry/${name}.dirty.a.blk.gz`, path);
    const whole = await examinedOne(image(name, "dirty", "a"));
    assert.deepEqual({ ...(await examinedOne(path)), member: "" }, { ...whole, member: "" });
  });
}
