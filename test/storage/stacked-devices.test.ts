/** The guard's view of what this kernel cannot make: device mapper, md, bcache, multipath, NVMe (captured tree). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { type BlockDevice, readBlockDevice, readBlockDeviceByName } from "../../src/storage/block-device.js";
import { usesOfDevice } from "../../src/storage/device-use.js";
import { refuseDuplicateMembers } from "../../src/storage/duplicate-members.js";
import { refuseUses } from "../../src/storage/existing-member.js";
import { type MemberCandidate, refusePartitionNodes } from "../../src/storage/member-candidate.js";
import type { SystemRoots } from "../../src/storage/system-roots.js";
import { capturedTree } from "./captured-tree.js";

type BlockCandidate = MemberCandidate & { kind: "block" };

function deviceNamed(name: string, roots: SystemRoots): BlockDevice {
  const device = readBlockDeviceByName(name, roots);
  assert.ok(device !== undefined, name);
  assert.deepEqual(readBlockDevice(device.number, roots), device, "the same by number");
  return device;
}

function candidateNamed(name: string, roots: SystemRoots, destroy = false): BlockCandidate {
  const path = `/dev/${name}`;
  return { kind: "block", path, realPath: path, destroy, rdev: 0, device: deviceNamed(name, roots) };
}

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SlotmarkError) return error.code;
    throw error;
  }
  return "passes";
}

test("each device's use is named, with who holds it", (t) => {
  const roots = capturedTree(t);
  const expected: Record<string, string[]> = {
    sda: ["sda1 is mounted on /boot (ext4)", "sda2 is held by dm-0 (slow)"],
    sda1: ["mounted on /boot (ext4)"],
    sda2: ["held by dm-0 (slow)"],
    sdb: ["held by dm-1 (LVM, vg0-home)"],
    sdc: ["held by dm-2 (mpath, mpatha)"],
    sdd: ["held by dm-2 (mpath, mpatha)"],
    sde: ["held by bcache0"],
    vda: ["held by md0"],
    vdb: ["held by md0"],
    nvme0n1: ["nvme0n1p1 is active swap"],
    nvme0n1p1: ["active swap"],
    nvme0n1p2: [],
    "dm-0": [],
    "dm-1": ["mounted on /home (ext4)"],
    md0: [],
    bcache0: [],
  };
  for (const [name, texts] of Object.entries(expected)) {
    const uses = usesOfDevice(deviceNamed(name, roots), roots);
    assert.deepEqual(
      uses.map(({ text }) => text),
      texts,
      name,
    );
  }
});

test("what is mounted, held or swap is refused, also under --destroy; a partitioned disk only without", (t) => {
  const roots = capturedTree(t);
  const guard = (name: string, destroy: boolean) =>
    codeOf(() => {
      const candidate = candidateNamed(name, roots, destroy);
      refuseUses(candidate, roots);
      refusePartitionNodes(candidate);
    });
  for (const destroy of [false, true]) {
    assert.equal(guard("sda", destroy), "member-mounted");
    assert.equal(guard("sda2", destroy), "member-held");
    assert.equal(guard("sdb", destroy), "member-held");
    assert.equal(guard("vda", destroy), "member-held");
    assert.equal(guard("sde", destroy), "member-held");
    assert.equal(guard("dm-1", destroy), "member-mounted");
    assert.equal(guard("nvme0n1", destroy), "member-swap");
    assert.equal(guard("nvme0n1p2", destroy), "passes");
  }
  const nvme = candidateNamed("nvme0n1", roots);
  assert.equal(
    codeOf(() => refusePartitionNodes(nvme)),
    "member-partitioned",
  );
  assert.equal(
    codeOf(() => refusePartitionNodes({ ...nvme, destroy: true })),
    "passes",
  );
});

test("one disk on two paths, and a disk with its partition, are one member", (t) => {
  const roots = capturedTree(t);
  const pair = (...names: string[]) =>
    codeOf(() =>
      refuseDuplicateMembers(
        names.map((name) => candidateNamed(name, roots)),
        roots,
      ),
    );
  assert.equal(pair("sdc", "sdd"), "member-duplicate");
  assert.equal(pair("sda", "sda2"), "member-duplicate");
  assert.equal(pair("nvme0n1p2", "nvme0n1"), "member-duplicate");
  assert.equal(pair("sda1", "sda2"), "passes");
  assert.equal(pair("sdb", "sdc", "vda", "vdb", "nvme0n1p2"), "passes");
});

test("a device's facts are read as the kernel shows them; a partition's queue is its disk's", (t) => {
  const roots = capturedTree(t);
  const nvme = deviceNamed("nvme0n1", roots);
  assert.deepEqual(
    {
      sizeBytes: nvme.sizeBytes,
      partitions: nvme.partitions,
      model: nvme.model,
      wwid: nvme.wwid,
      logicalBlockBytes: nvme.logicalBlockBytes,
      scheduler: nvme.scheduler,
      rotational: nvme.rotational,
    },
    {
      sizeBytes: 64 << 20,
      partitions: ["nvme0n1p1", "nvme0n1p2"],
      model: "QEMU NVMe Ctrl",
      wwid: "nvme.1b36-4e564d4531-51454d55204e564d65204374726c-00000001",
      logicalBlockBytes: 512,
      scheduler: "mq-deadline",
      rotational: false,
    },
  );
  const part = deviceNamed("nvme0n1p2", roots);
  assert.equal(part.partition?.number, 2);
  assert.equal(part.partition?.startBytes, 16416 * 512);
  assert.equal(part.partition?.disk.name, "nvme0n1");
  assert.deepEqual(
    [part.scheduler, part.writeCache, part.model],
    [nvme.scheduler, nvme.writeCache, nvme.model],
  );
  assert.deepEqual(deviceNamed("md0", roots).slaves, ["vda", "vdb"]);
  assert.equal(deviceNamed("vda", roots).writeCache, "write back");
  assert.equal(readBlockDevice("0:42", roots), undefined);
});
