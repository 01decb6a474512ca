import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findDevice, readDevice } from "../../src/cluster/find-device.js";
import { uuidText } from "../../src/ondisk/uuid.js";
import { createArray } from "../../src/storage/array.js";
import { openTestMember } from "../create/open-test-member.js";
import { temporaryDirectory } from "../storage/machine.js";

const MEMBER_BYTES = 16 << 20;

test("a device is found by its uuid among what a node sees, whatever else is there", async (t) => {
  const folder = temporaryDirectory(t);
  const place = (name: string) => join(folder, name);
  const members = ["a", "b"].map((name) => openTestMember(place(name), MEMBER_BYTES));
  const array = await createArray(members, { nodes: 2 });
  for (const member of members) member.close();
  const uuid = uuidText(array.superblocks[1]?.deviceUuid ?? new Uint8Array());
  writeFileSync(place("short"), "too short for a superblock");
  writeFileSync(place("blank"), Buffer.alloc(MEMBER_BYTES));
  const paths = ["absent", "short", "blank", ".", "a", "b"].map(place);

  const found = await findDevice(paths, array.setUuid, uuid);
  assert.equal(found?.path, place("b"));
  assert.equal(found.superblock.devNumber, 1);
  assert.equal(found.sizeBytes, MEMBER_BYTES);

  const other = "00000000-0000-0000-0000-000000000001";
  assert.equal(await findDevice(paths, array.setUuid, other), null);
  assert.equal(await findDevice(paths, other, uuid), null, "a device of another array");
  assert.equal(await findDevice(paths.slice(0, 5), array.setUuid, uuid), null, "not visible");
  truncateSync(place("b"), MEMBER_BYTES / 2);
  assert.equal(await findDevice(paths, array.setUuid, uuid), null, "cut off: the kernel would refuse it");
  await assert.rejects(readDevice(place("b")), { code: "superblock-data-size" });
});
