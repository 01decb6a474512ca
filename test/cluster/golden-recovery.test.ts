/** Recoveries of the real kernel 6.1, traced and imaged, done again by nodes under `mainline` (golden/writes K_kill, golden/kill). */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { suite, test } from "node:test";
import type { ArrayStorage } from "../../src/cluster/array-storage.js";
import { setBitsOf } from "../../src/cluster/slot-image.js";
import { expandGolden, goldenBlocks, goldenUrl } from "../create/golden-image.js";
import { recovered } from "./dying-node.js";
import { HANGS_MS, memoryFolder, nodesOn, readMember, watchedStorage } from "./test-array.js";

const MEMBER_BYTES = 2 ** 30;
const PAGE = 4096;
/** Sectors 16 and 24, a page each, 64 KiB chunks. */
const slotOffsetBytes = (slot: number) => (16 + slot * 8) * 512;
const CHUNKS = 16_352;

/** As on Linux 6.1. */
const KERNEL = { variant: "mainline", kernel: "6.1" } as const;

/** Writes that reach the members, one a line: disk, sector and length as in the traces. */
function tracedStorage(disks: readonly string[], members: readonly string[], into: string[]): ArrayStorage {
  return watchedStorage(({ path: member }, _, offsetBytes, lengthBytes) => {
    into.push(`${disks[members.indexOf(member)]} ${offsetBytes / 512} +${lengthBytes / 512}`);
  });
}

function bitsOf(page: Uint8Array): number[] {
  return Array.from({ length: CHUNKS }, (_, chunk) => chunk).filter(
    (chunk) => ((page[256 + (chunk >> 3)] ?? 0) >> (chunk & 7)) & 1,
  );
}

suite("recoveries of the real kernel", { timeout: HANGS_MS }, () => {
  test("K_kill: the same writes in the same order, and the same slots in the end", async (t) => {
    const folder = memoryFolder(t);
    const members = ["a", "b"].map((name) => path.join(folder, name));
    for (const member of members) {
      const golden = `writes/K_kill/snap_before.${path.basename(member)}.blk.gz`;
      expandGolden(golden, member, MEMBER_BYTES);
    }
    const scenario = JSON.parse(fs.readFileSync(goldenUrl("writes/K_kill/scenario.json"), "utf8"));
    const { script } = scenario as { script: { node: number; offset: number; length: number }[] };
    const writes: string[] = [];
    const storage = tracedStorage(["vda", "vdb"], members, writes);
    const { join } = nodesOn(t, members);
    const survivor = await join({ ...KERNEL, storage });
    const dying = await join(KERNEL);
    for (const { node, offset, length } of script) {
      await (node === 1 ? survivor : dying).node.write(offset, length);
    }
    for (let pass = 0; pass < 3; pass++) await survivor.node.daemonPass();
    // The first pass, which writes events_cleared, was all that the other one lived to see.
    await dying.node.daemonPass();
    writes.length = 0;
    dying.node.die();
    await recovered([survivor], 1);
    const rows = fs
      .readFileSync(goldenUrl("writes/K_kill/writes.csv"), "utf8")
      .split("\n")
      .map((line) => line.split(","))
      .filter(([seconds]) => Number(seconds) > 20 && Number(seconds) < 30);
    assert.ok(rows.length > 40);
    assert.deepEqual(
      writes,
      rows.map(([, , disk, sector, sectors]) => `${disk} ${sector} +${sectors}`),
    );
    for (let pass = 0; pass < 3; pass++) await survivor.node.daemonPass();
    for (const member of members) {
      const end = goldenBlocks(`writes/K_kill/snap_end.${path.basename(member)}.blk.gz`);
      for (const slot of [0, 1]) {
        const expected = end.get(slotOffsetBytes(slot));
        assert.ok(expected !== undefined);
        assert.deepEqual(readMember(member, slotOffsetBytes(slot), PAGE), expected, `${member} slot ${slot}`);
      }
      assert.equal(survivor.node.state.events, 23);
    }
    await survivor.node.leave();
  });

  test("kill: what lay on the members at the kill becomes what lay there after the recovery", async (t) => {
    const folder = memoryFolder(t);
    const members = ["d0", "d1"].map((name) => path.join(folder, name));
    const slotAtKill = members.map((member) => {
      const golden = `kill/atkill_${path.basename(member)}.blk.gz`;
      expandGolden(golden, member, MEMBER_BYTES);
      return readMember(member, slotOffsetBytes(1), PAGE);
    });
    // The survivor was there before the other wrote anything.
    overwrite(
      members,
      slotAtKill.map((page) => Buffer.concat([page.subarray(0, 256), Buffer.alloc(PAGE - 256)])),
    );
    const { join } = nodesOn(t, members);
    const survivor = await join(KERNEL);
    await survivor.node.sync();
    for (let pass = 0; pass < 4; pass++) await survivor.node.daemonPass();
    assert.deepEqual(survivor.node.dirty, []);
    overwrite(members, slotAtKill);
    const dying = await join({ ...KERNEL, sync: "manual" });
    assert.equal(dying.node.slot, 1);
    dying.node.die();
    await recovered([survivor], 1);
    for (const member of members) {
      const after = goldenBlocks(`kill/recovered_${path.basename(member)}.blk.gz`);
      for (const slot of [0, 1]) {
        const expected = after.get(slotOffsetBytes(slot));
        assert.ok(expected !== undefined);
        assert.deepEqual(bitsOf(readMember(member, slotOffsetBytes(slot), PAGE)), bitsOf(expected));
        assert.equal(setBitsOf(expected, { chunks: CHUNKS }).chunks, slot === 0 ? 256 : 0);
      }
    }
    await survivor.node.leave();
  });
});

function overwrite(members: readonly string[], pages: readonly Uint8Array[]): void {
  for (const [index, member] of members.entries()) {
    const descriptor = fs.openSync(member, "r+");
    fs.writeSync(descriptor, pages[index] ?? new Uint8Array(), 0, PAGE, slotOffsetBytes(1));
    fs.closeSync(descriptor);
  }
}
