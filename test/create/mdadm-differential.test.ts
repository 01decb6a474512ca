/**
 * The real mdadm reads arrays that createArray made and says of them what examine says: `-E` on the file, `-X` through a
 * read-only loop device.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { placeArray } from "../../src/ondisk/mdadm-placement.js";
import { type CreateArrayOptions, createArray } from "../../src/storage/array.js";
import { examined } from "../examine/examined.js";
import { assertAgreesWithBitmap, assertAgreesWithExamine } from "../examine/mdadm-text.js";
import { mount, run, temporaryDirectory, whyNoBlockDevices } from "../storage/machine.js";
import { openTestMember } from "./open-test-member.js";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

/** What mdadm says through a loop device; another test may take the free one first. */
function mdadmBitmap(path: string): string {
  for (let attempt = 1; ; attempt++) {
    let device: string;
    try {
      device = run("losetup", "--read-only", "--find", "--show", path).trim();
    } catch (error) {
      if (attempt === 20) throw error;
      run("sleep", "0.1");
      continue;
    }
    try {
      return run("mdadm", "-X", device);
    } finally {
      run("losetup", "--detach", device);
    }
  }
}

async function assertMdadmAgrees(
  folder: string,
  sizesBytes: readonly number[],
  options: CreateArrayOptions,
): Promise<void> {
  const paths = sizesBytes.map((_, index) => join(folder, `member${index}`));
  const members = paths.map((path, index) => openTestMember(path, sizesBytes[index]));
  try {
    await createArray(members, { sparse: true, ...options });
    for (const member of await examined(paths, true)) {
      assertAgreesWithExamine(member, run("mdadm", "-E", member.member));
      assert.ok(member.bitmap !== null);
      assertAgreesWithBitmap(member.bitmap, mdadmBitmap(member.member));
    }
  } finally {
    for (const member of members) member.close();
    run("rm", "-f", ...paths);
  }
}

function differentialTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const reason = whyNoBlockDevices("losetup", "mdadm");
    if (reason !== undefined) return t.skip(reason);
    await body(t);
  });
}

for (const [name, sizes, options] of [
  ["64 MiB, default chunk", [64 * MIB, 64 * MIB], {}],
  ["1 GiB, 64 KiB chunk, 64 nodes", [GIB, GIB], { chunkBytes: 64 * KIB, nodes: 64 }],
  ["members of unequal size", [2 * GIB, 3 * GIB + 512, GIB + 70 * KIB], { nodes: 3 }],
  ["100 GiB, 256 KiB chunk", [100 * GIB, 100 * GIB], { chunkBytes: 256 * KIB, nodes: 2 }],
  ["10 TiB, 16 MiB chunk", [10 * TIB, 10 * TIB], { chunkBytes: 16 * MIB, nodes: 8 }],
  ["100 GiB, 64 KiB chunk", [100 * GIB, 100 * GIB], { chunkBytes: 64 * KIB, nodes: 64, beyondMdadm: true }],
  ["level 10 on two", [GIB, GIB], { level: 10 }],
  ["level 10 on three", [GIB, GIB, GIB], { level: 10, chunkBytes: 4 * MIB }],
  ["level 10 on four, 300 GiB", Array(4).fill(300 * GIB), { level: 10, nodes: 5, assumeClean: true }],
] satisfies [string, number[], CreateArrayOptions][]) {
  differentialTest(name, (t) => assertMdadmAgrees(temporaryDirectory(t), sizes, options));
}

differentialTest("arrays of any size, chunk, nodes and level that mdadm would make", async (t) => {
  const folder = temporaryDirectory(t);
  const arrays = fc
    .record({
      level: fc.constantFrom(1 as const, 10 as const),
      sizes: fc
        .tuple(fc.integer({ min: 4, max: 42 }), fc.integer({ min: 0, max: 2 ** 20 }))
        .map(([power, odd]) => 4 * MIB + Math.min(2 ** power * KIB, 14 * TIB) + odd * 512)
        .chain((size) => fc.integer({ min: 2, max: 4 }).map((count) => Array<number>(count).fill(size))),
      chunkPower: fc.integer({ min: 12, max: 31 }),
      nodes: fc.integer({ min: 2, max: 64 }),
      assumeClean: fc.boolean(),
    })
    .map(({ level, sizes, chunkPower, nodes, assumeClean }) => {
      const options = { level, nodes, assumeClean, chunkBytes: 2 ** chunkPower };
      try {
        const members = sizes.map((size) => ({ path: "", sizeSectors: Math.floor(size / 512) }));
        placeArray({ members, ...options, beyondMdadm: false });
      } catch {
        return { sizes, options: { ...options, chunkBytes: "default" as const } };
      }
      return { sizes, options };
    });
  await fc.assert(
    fc.asyncProperty(arrays, async ({ sizes, options }) => {
      await assertMdadmAgrees(folder, sizes, { ...options, beyondMdadm: options.chunkBytes === "default" });
    }),
    { numRuns: 20 },
  );
});

differentialTest("members over 16 TiB, on tmpfs", async (t) => {
  const folder = temporaryDirectory(t);
  mount(t, "-t", "tmpfs", "-o", "size=1g", "slotmark-test", folder);
  await assertMdadmAgrees(folder, [17 * TIB, 17 * TIB], { nodes: 4 });
  await assertMdadmAgrees(folder, [100 * TIB, 100 * TIB], { nodes: 64, chunkBytes: 128 * MIB });
  await assertMdadmAgrees(folder, [40 * TIB, 40 * TIB], { nodes: 3, level: 10 });
  await assertMdadmAgrees(folder, [17 * TIB, 17 * TIB], {
    nodes: 2,
    chunkBytes: 256 * KIB,
    beyondMdadm: true,
  });
});
