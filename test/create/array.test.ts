/** createArray, readArray and resetSlots as a run uses them. */
import assert from "node:assert/strict";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { geometryUnder, pageSector, slotsEndSector } from "../../src/ondisk/slot-geometry.js";
import { uuidText } from "../../src/ondisk/uuid.js";
import { createArray, readArray, resetSlots } from "../../src/storage/array.js";
import type { Member } from "../../src/storage/member.js";
import { openMembers } from "../../src/storage/open-members.js";
import { examined, examinedOne } from "../examine/examined.js";
import {
  loopDevice,
  sparseFile,
  temporaryDirectory,
  undoAfter,
  whyNoBlockDevices,
} from "../storage/machine.js";
import { expandGolden } from "./golden-image.js";
import { openTestMember } from "./open-test-member.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function open(t: TestContext, path: string, sizeBytes?: number): Member {
  const member = openTestMember(path, sizeBytes);
  undoAfter(t, () => member.close());
  return member;
}

function blankMembers(t: TestContext, count = 2, sizeBytes = 64 * MIB): Member[] {
  const folder = temporaryDirectory(t);
  return Array.from({ length: count }, (_, index) => open(t, join(folder, `member${index}`), sizeBytes));
}

/** Both members of a golden array, whole. */
function goldenMembers(
  t: TestContext,
  prefix: string,
  suffixes: readonly string[],
  sizeBytes: number,
): Member[] {
  const folder = temporaryDirectory(t);
  return suffixes.map((suffix) => {
    const path = join(folder, suffix);
    expandGolden(`${prefix}${suffix}.blk.gz`, path, sizeBytes);
    return open(t, path);
  });
}

test("what was made is read back the same", async (t) => {
  const members = blankMembers(t, 3);
  const made = await createArray(members, { nodes: 7, chunkBytes: 4096, beyondMdadm: true });
  const read = await readArray(members);
  assert.deepEqual(read, made);
  assert.equal(made.geometry.nodes, 7);
  assert.deepEqual(made.dataOffsetBytes, Array(3).fill(made.geometry.dataOffsetSectors * 512));
});

test("a device UUID for the first member alone: the others get their own", async (t) => {
  const uuid = "01020304-0506-0708-090a-0b0c0d0e0f10";
  const members = blankMembers(t, 3);
  const { superblocks } = await createArray(members, { deviceUuids: [uuid] });
  const found = superblocks.map(({ deviceUuid }) => uuidText(deviceUuid));
  assert.equal(found[0], uuid);
  assert.equal(new Set(found).size, 3);
});

test("an array of the real mdadm: geometry and UUIDs are taken from it", async (t) => {
  const members = goldenMembers(t, "geometry/x100G_n8_c2M.stopped.", ["a", "b"], 100 * GIB);
  const array = await readArray(members);
  assert.ok(array !== undefined);
  const { geometry } = array;
  assert.deepEqual(
    [geometry.nodes, geometry.chunkBytes, geometry.chunks, geometry.strideSectors, geometry.firstSlotSector],
    [8, 2 * MIB, 51168, 16, 16],
  );
  assert.equal(geometry.dataOffsetSectors, 133120);
  assert.equal(array.events, 8);
  assert.equal(array.clusterName, "mdlab");
  assert.equal(array.componentSectors, 209582080);
  assert.equal(array.setUuid, (await examinedOne(members[0]?.path ?? "")).superblock.setUuid);
});

test("reset: no chunk is dirty in any slot, superblocks match, the rest stays", async (t) => {
  const members = goldenMembers(t, "dirty/dirty_", ["d0", "d1"], GIB);
  const paths = members.map(({ path }) => path);
  const before = await examined(paths);
  const array = await readArray(members);
  assert.ok(array !== undefined);
  await resetSlots(array);
  const after = await examined(paths, true);
  for (const [index, { superblock, bitmap }] of after.entries()) {
    assert.deepEqual(superblock, before[index]?.superblock);
    for (const slot of bitmap?.slots ?? []) {
      assert.equal(slot.dirtyChunks, 0);
      assert.deepEqual([slot.events, slot.eventsCleared, slot.state], [36, 36, []]);
    }
    assert.deepEqual({ ...bitmap, slots: [] }, { ...before[index]?.bitmap, slots: [] });
  }
});

test("reset clears padding behind the last chunk as well", async (t) => {
  const members = blankMembers(t);
  const array = await createArray(members);
  await resetSlots(array);
  const area = Buffer.alloc(4096);
  readSync(members[0]?.descriptor ?? -1, area, 0, 4096, 8192);
  assert.ok(area.subarray(256).every((byte) => byte === 0));
});

test("reset covers the places where the first patches look for slots", async (t) => {
  const members = blankMembers(t, 2, 1028 * MIB);
  const array = await createArray(members, { chunkBytes: 65536 * 64, nodes: 2 });
  const original = geometryUnder(array.geometry, { variant: "original", kernel: "mainline" });
  const elsewhere = pageSector(original, 1, 0) * 512;
  assert.ok(elsewhere >= slotsEndSector(array.geometry) * 512);
  for (const { descriptor } of members) writeSync(descriptor, Buffer.alloc(4096, 0xff), 0, 4096, elsewhere);
  await resetSlots(array, original);
  const area = Buffer.alloc(4096);
  readSync(members[1]?.descriptor ?? -1, area, 0, 4096, elsewhere);
  assert.ok(area.every((byte) => byte === 0));
  assert.equal(
    (
      await examined(
        members.map(({ path }) => path),
        true,
      )
    ).length,
    2,
  );
});

describe("members that are no array of ours", () => {
  test("all blank: nothing is there", async (t) => {
    assert.equal(await readArray(blankMembers(t)), undefined);
  });

  test("all with something else on them: no array is there either", async (t) => {
    const members = blankMembers(t);
    for (const { descriptor } of members) writeSync(descriptor, Buffer.alloc(8192, 0x5a), 0, 8192, 2048);
    assert.equal(await readArray(members), undefined);
  });

  test("one blank among others", async (t) => {
    const [blank] = blankMembers(t, 1, GIB);
    const members = goldenMembers(t, "geometry/s1G_n2_c64K.stopped.", ["a"], GIB);
    assert.ok(blank !== undefined);
    await assert.rejects(readArray([...members, blank]), { code: "member-not-in-array", kind: "input" });
  });

  test("two arrays", async (t) => {
    const a = goldenMembers(t, "geometry/s1G_n2_c64K.stopped.", ["a"], GIB);
    const b = goldenMembers(t, "geometry/s1G_n4_c64K.stopped.", ["b"], GIB);
    await assert.rejects(readArray([...a, ...b]), { code: "different-arrays" });
  });

  test("one of two active members", async (t) => {
    const members = goldenMembers(t, "geometry/s1G_n2_c64K.stopped.", ["a"], GIB);
    await assert.rejects(readArray(members), { code: "members-incomplete", message: /active devices 1 / });
  });

  test("an array without a cluster", async (t) => {
    const members = goldenMembers(t, "writes/N_isolated/snap_before.", ["a"], GIB);
    await assert.rejects(readArray(members), { code: "array-not-clustered" });
  });

  test("an image of metadata alone cannot be written to", async (t) => {
    const folder = temporaryDirectory(t);
    const path = join(folder, "a");
    expandGolden("geometry/s1G_n2_c64K.stopped.a.blk.gz", path);
    await assert.rejects(readArray([open(t, path)]), { code: "superblock-data-size" });
  });
});

test("a failure while the superblocks are written leaves none", async (t) => {
  const members = blankMembers(t);
  const [first, second] = members;
  assert.ok(first !== undefined && second !== undefined);
  const readOnly = openSync(second.path, constants.O_RDONLY);
  undoAfter(t, () => closeSync(readOnly));
  // The second member takes its slots and then no more writes.
  const failing: Member = {
    ...second,
    get descriptor() {
      const area = Buffer.alloc(4);
      readSync(first.descriptor, area, 0, 4, 4096);
      return area.readUInt32LE(0) === 0 ? second.descriptor : readOnly;
    },
  };
  await assert.rejects(createArray([first, failing]), { code: "member-failed", kind: "device" });
  assert.equal(await readArray([first, second]), undefined);
});

test("stopped while slots are written: no array is there", async (t) => {
  const members = blankMembers(t);
  const controller = new AbortController();
  const [first, second] = members;
  assert.ok(first !== undefined && second !== undefined);
  const stopping: Member = {
    ...second,
    get descriptor() {
      controller.abort();
      return second.descriptor;
    },
  };
  await assert.rejects(createArray([first, stopping], { signal: controller.signal }), { name: "AbortError" });
  assert.equal(await readArray([first, second]), undefined);
});

for (const sectorBytes of [512, 4096]) {
  test(`on loop devices with ${sectorBytes}-byte blocks: the same bytes as on files`, async (t) => {
    const reason = whyNoBlockDevices("losetup");
    if (reason !== undefined) return t.skip(reason);
    const folder = temporaryDirectory(t);
    const files = ["a", "b"].map((name) => sparseFile(folder, name, 64 * MIB));
    const devices = files.map((file) => loopDevice(t, file, "--sector-size", String(sectorBytes)));
    const members = await openMembers({ paths: devices, destroy: [], watch: false, existingArray: "refuse" });
    try {
      const made = await createArray(members, { chunkBytes: 65536, nodes: 3 });
      assert.equal(made.geometry.logicalBlockBytes, sectorBytes);
      assert.deepEqual(await readArray(members), made);
      await resetSlots(made);
    } finally {
      for (const member of members) member.close();
    }
    const onDevices = await examined(devices, true);
    const inFiles = await examined(files, true);
    assert.deepEqual(
      onDevices.map((found) => ({ ...found, member: "" })),
      inFiles.map((found) => ({ ...found, member: "" })),
    );
    assert.equal(inFiles[0]?.bitmap?.slots[0]?.dirtyChunks, 0);
  });
}
