import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { createArrayStorage, type MemberDevice } from "../../src/cluster/array-storage.js";
import { eraseSuperblock, prepareDevice } from "../../src/cluster/prepare-device.js";
import { addedDeviceSuperblock } from "../../src/ondisk/added-device.js";
import {
  FEATURE_RECOVERY_OFFSET,
  mdChecksum,
  parseMdSuperblock,
  serializeMdSuperblock,
} from "../../src/ondisk/md-superblock.js";
import { slotSector, slotsEndSector } from "../../src/ondisk/slot-geometry.js";
import { parseUuid, uuidText } from "../../src/ondisk/uuid.js";
import { type ClusteredArray, createArray } from "../../src/storage/array.js";
import type { Member } from "../../src/storage/member.js";
import { openTestMember } from "../create/open-test-member.js";
import { examined } from "../examine/examined.js";
import { assertAgreesWithBitmap, assertAgreesWithExamine } from "../examine/mdadm-text.js";
import { loopDevice, run, temporaryDirectory, undoAfter, whyNoBlockDevices } from "../storage/machine.js";

const MEMBER_BYTES = 64 << 20;
const deviceUuid = parseUuid("89fc2347-d931-9725-b379-a7bd1c37b2c6");

function openFile(t: TestContext, folder: string, name: string): Member {
  const member = openTestMember(join(folder, name), MEMBER_BYTES);
  undoAfter(t, () => member.close());
  return member;
}

/** An array on two files, and a third file that is no member yet. */
async function arrayAndFile(t: TestContext): Promise<{ array: ClusteredArray; added: Member }> {
  const folder = temporaryDirectory(t);
  const members = ["a", "b"].map((name) => openFile(t, folder, name));
  const array = await createArray(members, { nodes: 3, chunkBytes: 4096, beyondMdadm: true });
  return { array, added: openFile(t, folder, "c") };
}

function open(t: TestContext, path = ""): MemberDevice {
  const device = createArrayStorage().open(path);
  undoAfter(t, () => device.close());
  return device;
}

function superblockOf(array: ClusteredArray, added: Member, number = 2) {
  const reference = array.superblocks[0];
  assert.ok(reference !== undefined);
  const deviceSectors = added.sizeBytes / 512;
  return addedDeviceSuperblock(reference, { number, deviceUuid, path: added.path, deviceSectors });
}

suite("a device that joins a running array", () => {
  test("has every slot as the other members have it, and a superblock of its own", async (t) => {
    const { array, added } = await arrayAndFile(t);
    const { geometry, members, dataOffsetBytes } = array;
    const active = members[1]?.path ?? "";
    const bytes = readFileSync(active);
    for (let slot = 0; slot < geometry.nodes; slot++) {
      bytes[slotSector(geometry, slot) * 512 + 300 + slot] = 0x5a;
    }
    writeFileSync(active, bytes);
    writeFileSync(added.path, Buffer.alloc(MEMBER_BYTES, 0xee));

    const device = open(t, added.path);
    await prepareDevice(device, superblockOf(array, added), geometry, open(t, active));

    const found = readFileSync(added.path);
    const [from, end] = [slotSector(geometry, 0) * 512, slotsEndSector(geometry) * 512];
    assert.deepEqual(found.subarray(from, end), bytes.subarray(from, end));
    const untouched = found.subarray(dataOffsetBytes[0]);
    assert.ok(untouched.every((byte) => byte === 0xee));
    const superblock = parseMdSuperblock(found.subarray(4096, 8192));
    assert.equal(superblock.devNumber, 2);
    assert.equal(uuidText(superblock.deviceUuid), uuidText(deviceUuid));
    assert.equal(uuidText(superblock.setUuid), array.setUuid);
    assert.equal(superblock.checksum, mdChecksum(serializeMdSuperblock(superblock)));
    assert.deepEqual(superblock.roles.slice(0, 3), [0, 1, 0xffff]);

    eraseSuperblock(device);
    assert.ok(
      readFileSync(added.path)
        .subarray(4096, 8192)
        .every((byte) => byte === 0),
    );
  });

  test("is a spare to mdadm, with a bitmap for every node", async (t) => {
    const reason = whyNoBlockDevices("losetup", "mdadm");
    if (reason !== undefined) return t.skip(reason);
    const { array, added } = await arrayAndFile(t);
    const active = open(t, array.members[0]?.path);
    await prepareDevice(open(t, added.path), superblockOf(array, added), array.geometry, active);
    const [member] = await examined([added.path], true);
    assert.ok(member !== undefined && member.bitmap !== null);
    const text = run("mdadm", "-E", added.path);
    assertAgreesWithExamine(member, text);
    assert.match(text, /Device Role : spare/);
    assertAgreesWithBitmap(member.bitmap, run("mdadm", "-X", loopDevice(t, added.path, "--read-only")));
  });

  test("takes over nothing of the member that its superblock is made from", async (t) => {
    const { array, added } = await arrayAndFile(t);
    const reference = array.superblocks[0];
    assert.ok(reference !== undefined);
    const recovering = {
      ...reference,
      featureMap: reference.featureMap | FEATURE_RECOVERY_OFFSET,
      recoveryOffset: 4096n,
      deviceFlags: 1,
      correctedReads: 7,
    };
    const superblock = addedDeviceSuperblock(recovering, {
      number: 2,
      deviceUuid,
      path: added.path,
      deviceSectors: 2 * (added.sizeBytes / 512),
    });
    const { featureMap, recoveryOffset, deviceFlags, correctedReads, dataSizeSectors } = superblock;
    assert.deepEqual([featureMap, recoveryOffset, deviceFlags, correctedReads], [0x101, 0n, 0, 0]);
    assert.equal(dataSizeSectors, BigInt(2 * (added.sizeBytes / 512)) - reference.dataOffsetSectors);
  });

  test("must be large enough, and find room in the list of devices", async (t) => {
    const { array, added } = await arrayAndFile(t);
    assert.throws(() => superblockOf(array, { ...added, sizeBytes: MEMBER_BYTES / 2 }), {
      code: "device-too-small",
    });
    assert.throws(() => superblockOf(array, added, 128), { code: "device-number-too-high" });
  });
});
