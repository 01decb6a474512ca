/**
 * Limits and caches of devices as sysfs tells them, on the captured machine: block sizes, optimal I/O size, FUA or none, and what
 * page writes, doctor, environment and report make of them. Where no captured device has a value, one attribute is changed.
 */
import assert from "node:assert/strict";
import { readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deviceFacts } from "../../src/measure/environment.js";
import { deviceChecks } from "../../src/measure/member-checks.js";
import { pageWriteBytes, slotGeometry } from "../../src/ondisk/slot-geometry.js";
import { describeMachine } from "../../src/report/machine.js";
import { readBlockDeviceByName } from "../../src/storage/block-device.js";
import type { SystemRoots } from "../../src/storage/system-roots.js";
import { sampleResult } from "../results/sample.js";
import { capturedTree } from "./captured-tree.js";

function deviceOf(roots: SystemRoots, name: string) {
  const device = readBlockDeviceByName(name, roots);
  assert.ok(device !== undefined);
  return device;
}

/** The captured device with another value of one attribute of its queue; null: a kernel without it. */
function changed(t: TestContext, name: string, attribute: string, value: string | null) {
  const roots = capturedTree(t);
  const link = join(roots.sys, "class/block", name);
  const file = join(roots.sys, "class/block", readlinkSync(link), "queue", attribute);
  if (value === null) rmSync(file);
  else writeFileSync(file, `${value}\n`);
  return deviceOf(roots, name);
}

const memberOn = (device: ReturnType<typeof deviceOf>) => ({
  path: `/dev/${device.name}`,
  kind: "block" as const,
  filesystem: null,
  device: deviceFacts(device),
});

function check(device: ReturnType<typeof deviceOf>, name: string) {
  return deviceChecks(memberOn(device)).find((one) => one.name === name);
}

/** 126 bytes of bits: the slot's one page is its last. */
function lastPageBytes({ logicalBlockBytes, optimalIoBytes }: ReturnType<typeof deviceOf>): number {
  const geometry = slotGeometry({
    syncSizeSectors: 129024,
    chunkBytes: 65536,
    nodes: 4,
    superOffsetSectors: 8,
    bitmapOffsetSectors: 8,
    dataOffsetSectors: 2048,
    logicalBlockBytes,
    optimalIoBytes,
  });
  return pageWriteBytes(geometry, 3, 0);
}

test("FUA or none: from sysfs to doctor, environment and report", (t) => {
  const roots = capturedTree(t);
  const kinds = [
    ["nvme0n1", true, "ok", /writes through its cache on demand/, "write back, FUA)"],
    ["sda", false, "note", /flushes the whole cache/, "write back, no FUA)"],
    // A partition has its disk's cache.
    ["nvme0n1p2", true, "ok", /writes through its cache on demand/, "write back, FUA)"],
  ] as const;
  for (const [name, fua, status, found, shown] of kinds) {
    const device = deviceOf(roots, name);
    const member = memberOn(device);
    assert.equal(member.device?.fua, fua);
    assert.equal(check(device, "FUA")?.status, status);
    assert.match(check(device, "FUA")?.found ?? "", found);
    const result = sampleResult();
    const machine = describeMachine({ ...result, environment: { ...result.environment, members: [member] } });
    const text = machine.find(([word]) => word === "members")?.[1] ?? "";
    assert.ok(text.endsWith(shown), text);
  }
});

test("a device without a volatile cache needs no FUA, and a kernel that does not say is not guessed for", (t) => {
  const through = changed(t, "sda", "write_cache", "write through");
  assert.equal(check(through, "FUA")?.status, "ok");
  assert.match(check(through, "FUA")?.found ?? "", /not needed/);
  assert.equal(deviceFacts(through)?.writeCache, "write through");
  const silent = changed(t, "sda", "fua", null);
  assert.equal(deviceFacts(silent)?.fua, null);
  assert.match(check(silent, "FUA")?.found ?? "", /does not say/);
});

test("the last page is trimmed to the device's logical block, or to its optimal I/O size where that is larger", (t) => {
  assert.equal(lastPageBytes(deviceOf(capturedTree(t), "sda")), 512);
  // An optimal size of one block says nothing more.
  assert.equal(deviceOf(capturedTree(t), "nvme0n1").optimalIoBytes, 512);
  assert.equal(lastPageBytes(deviceOf(capturedTree(t), "nvme0n1")), 512);
  assert.equal(lastPageBytes(changed(t, "sda", "logical_block_size", "4096")), 4096);
  for (const [optimal, bytes] of [
    ["0", 512],
    ["1024", 1024],
    ["3072", 3072],
    // A stripe, and what USB bridges say (65535 blocks): no write leaves its page.
    ["262144", 4096],
    // Rounded up it would reach into the data: not taken.
    ["33553920", 512],
  ] as const) {
    const device = changed(t, "sda", "optimal_io_size", optimal);
    assert.equal(device.optimalIoBytes, Number(optimal));
    assert.equal(lastPageBytes(device), bytes, optimal);
  }
});
