/** Arrays on devices with blocks of 4096 bytes, alone and beside one of 512, made, written both ways, and read by mdadm. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import {
  loopDevice,
  run as runCommand,
  sparseFile,
  temporaryDirectory,
  whyNoBlockDevices,
} from "../storage/machine.js";
import { runFolder, smallRun } from "./run-folder.js";

const MIB = 1 << 20;

function devices(t: TestContext, ...blockBytes: readonly number[]): string[] {
  const folder = temporaryDirectory(t);
  return blockBytes.map((bytes, index) =>
    loopDevice(t, sparseFile(folder, `${index}.img`, 64 * MIB), "--sector-size", `${bytes}`),
  );
}

/** Lengths of all page writes in a trace. */
function pageWriteLengths(trace: string): number[] {
  const { traceEvents } = JSON.parse(fs.readFileSync(trace, "utf8"));
  const written = traceEvents.filter(({ cat }: { cat: string }) => cat === "pageWrite");
  return [...new Set<number>(written.map(({ args }: { args: { lengthBytes: number } }) => args.lengthBytes))];
}

function deviceTest(name: string, body: (t: TestContext) => void): void {
  test(name, (t) => {
    const reason = whyNoBlockDevices("losetup", "mdadm");
    if (reason !== undefined) return t.skip(reason);
    body(t);
  });
}

for (const io of ["uring", "psync"]) {
  for (const [what, blocks, pageBytes] of [
    ["blocks of 4096 bytes", [4096, 4096], 4096],
    ["blocks of 512 and of 4096 bytes", [512, 4096], 4096],
    ["blocks of 512 bytes", [512, 512], 512],
  ] as const) {
    deviceTest(
      `${what}, io ${io}: a run's page writes are of ${pageBytes} bytes, and the members end alike`,
      (t) => {
        const pair = devices(t, ...blocks);
        const folder = runFolder(t);
        const trace = path.join(folder, "trace.json");
        const run = smallRun(folder, "--trials", "1", "--io", io, "--trace", trace);
        const { code, stderr } = runSlotmark(run.args.map((word) => pair[run.members.indexOf(word)] ?? word));
        assert.equal(code, 0, stderr);
        assert.deepEqual(pageWriteLengths(trace), [pageBytes]);
        const { environment, trials } = readResult(run.out);
        assert.deepEqual(
          environment.members.map(({ device }) => device?.logicalBlockBytes),
          blocks,
        );
        assert.ok(trials.every(({ labels }) => labels.degraded === undefined && labels.directIo !== false));
        const [one, other] = pair.map((device) => fs.readFileSync(device).subarray(8192));
        assert.ok(one !== undefined && other !== undefined && one.equals(other));
      },
    );
  }
}

deviceTest(
  "an array made on 4096-byte blocks is read alike by mdadm and by slotmark, and keeps its bytes in a run",
  (t) => {
    const pair = devices(t, 4096, 4096);
    assert.equal(
      runSlotmark(["create", ...pair, "--nodes", "4", "--chunk", "64K", "--assume-clean"]).code,
      0,
    );
    const examined = JSON.parse(runSlotmark(["examine", "--json", ...pair]).stdout);
    for (const [index, { superblock, bitmap }] of examined.entries()) {
      const text = runCommand("mdadm", "--examine", pair[index] ?? "");
      assert.match(text, /Checksum : \S+ - correct/);
      assert.match(text, new RegExp(`Data Offset : ${superblock.dataOffsetSectors} sectors`));
      const bits = runCommand("mdadm", "--examine-bitmap", pair[index] ?? "");
      assert.match(bits, /Chunksize : 64 KB/);
      assert.equal(bits.match(/Node Slot : /g)?.length, 4);
      assert.equal(bitmap.slots.length, 4);
    }
    const folder = runFolder(t);
    const run = smallRun(folder, "--trials", "1", "--no-watch");
    const { code, stderr } = runSlotmark(run.args.map((word) => pair[run.members.indexOf(word)] ?? word));
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      JSON.parse(runSlotmark(["examine", "--json", ...pair]).stdout).map(
        ({ superblock }: { superblock: unknown }) => superblock,
      ),
      examined.map(({ superblock }: { superblock: unknown }) => superblock),
    );
  },
);

deviceTest("a node dies and a disk is added on 4096-byte blocks as well", (t) => {
  const [a = "", b = "", c = ""] = devices(t, 4096, 4096, 4096);
  const folder = runFolder(t);
  for (const [suite, members] of [
    ["recovery", [a, b]],
    ["add-disk", [a, b, c]],
  ] as const) {
    const out = path.join(folder, `${suite}.json`);
    const { code, stderr } = runSlotmark([
      ...[
        "run",
        suite,
        ...members.flatMap((member) => [
          "--member",
          member,
          ...(suite === "add-disk" ? ["--destroy", member] : []),
        ]),
      ],
      ...[
        "--nodes",
        "2",
        "--trials",
        "1",
        ...(suite === "add-disk" ? ["--time", "100ms"] : []),
        "--chunk",
        "64K",
        "--out",
        out,
      ],
    ]);
    assert.equal(code, 0, stderr);
    assert.ok(readResult(out).trials.length > 0);
  }
});
