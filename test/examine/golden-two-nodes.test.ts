/** Images with both nodes dirty, and before and after the recovery of a dead node's slot. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { expandGolden, goldenUrl } from "../create/golden-image.js";
import { chunksOf, examined, type MemberJson } from "./examined.js";
import { assertAgreesWithBitmap, assertAgreesWithExamine, parseGoldenText } from "./mdadm-text.js";

const MEMBER_BYTES = 2 ** 30;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "slotmark-examine-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Both members of a snapshot, held against mdadm's words about them. */
async function snapshot(kind: "dirty" | "kill", label: string): Promise<MemberJson[]> {
  const paths = ["d0", "d1"].map((leg) => {
    const path = join(folder, `${kind}-${label}-${leg}`);
    expandGolden(`${kind}/${label}_${leg}.blk.gz`, path, MEMBER_BYTES);
    return path;
  });
  const members = await examined(paths, true, [0, 1]);
  const sections = parseGoldenText(readFileSync(goldenUrl(`${kind}/${label}.txt`), "utf8"));
  assert.equal(sections.length, members.length);
  for (const [index, member] of members.entries()) {
    const section = sections[index];
    assert.ok(section !== undefined && member.bitmap !== null);
    assertAgreesWithExamine(member, section.examine);
    assertAgreesWithBitmap(member.bitmap, section.bitmap);
  }
  return members;
}

/** Dirty chunks by slot. */
function dirty(member: MemberJson | undefined): number[][] {
  return (member?.bitmap?.slots ?? []).map(chunksOf);
}

function writtenChunks(): number[][] {
  const text = readFileSync(goldenUrl("dirty/WRITES.txt"), "utf8");
  return ["node1", "node2"].map((node) => {
    const offsets = new RegExp(`^${node} KiB offsets: (.*)$`, "m").exec(text)?.[1] ?? "";
    return [...new Set(offsets.split(" ").map((kib) => Math.floor(Number(kib) / 64)))].sort((a, b) => a - b);
  });
}

test("dirty: each slot holds the chunks that its node wrote, on both members", async () => {
  const written = writtenChunks();
  assert.deepEqual(
    written.map((chunks) => chunks.length),
    [8, 8],
  );
  for (const member of await snapshot("dirty", "dirty")) assert.deepEqual(dirty(member), written);
});

test("dirty: before and 16 seconds after, no chunk is dirty", async () => {
  for (const label of ["before", "after16s"]) {
    for (const member of await snapshot("dirty", label)) assert.deepEqual(dirty(member), [[], []]);
  }
});

test("kill: recovery moves the dead node's chunks into the survivor's slot", async () => {
  for (const [index, atKill] of (await snapshot("kill", "atkill")).entries()) {
    const recovered = (await snapshot("kill", "recovered"))[index];
    const [survivor, dead] = dirty(atKill);
    assert.equal(dead?.length, 256);
    assert.deepEqual(dirty(recovered)[1], []);
    const moved = dirty(recovered)[0] ?? [];
    assert.deepEqual(
      (dead ?? []).filter((chunk) => !moved.includes(chunk)),
      [],
    );
    assert.equal(survivor?.length, 3);
  }
});
