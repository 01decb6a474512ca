import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readResult } from "../../src/results/store.js";
import { REPOSITORY, runSlotmark } from "../cli/run-slotmark.js";
import { runFolder } from "./run-folder.js";

/** Records of { byte offset u64 LE, 4096 bytes } onto a sparse file. */
function expandImage(image: string, file: string, sizeBytes: number): void {
  const records = gunzipSync(fs.readFileSync(path.join(REPOSITORY, "test/golden", image)));
  const descriptor = fs.openSync(file, "w");
  for (let at = 0; at < records.length; at += 4104) {
    fs.writeSync(descriptor, records, at + 8, 4096, Number(records.readBigUInt64LE(at)));
  }
  fs.ftruncateSync(descriptor, sizeBytes);
  fs.closeSync(descriptor);
}

test("an array that the real mdadm made keeps its geometry and UUIDs and is measured with its own chunk", (context) => {
  const folder = runFolder(context);
  const members = ["a", "b"].map((leg) => {
    const file = path.join(folder, `${leg}.img`);
    expandImage(`geometry/s64M_n4_cdef.stopped.${leg}.blk.gz`, file, 64 << 20);
    return file;
  });
  const superblocks = () =>
    members.map((member) => {
      const bytes = Buffer.alloc(4096);
      const descriptor = fs.openSync(member, "r");
      fs.readSync(descriptor, bytes, 0, 4096, 4096);
      fs.closeSync(descriptor);
      return bytes.toString("hex");
    });
  const before = superblocks();
  const out = path.join(folder, "result.json");
  const args = ["run", "--no-watch", ...members.flatMap((member) => ["--member", member]), "--out", out];
  const short = ["--trials", "1", "--time", "200ms", "--daemon-sleep", "100ms"];

  for (const [option, value, expected] of [
    ["--chunk", "64K", /has a bitmap chunk of/],
    ["--nodes", "5", /has 4 slots/],
  ] as const) {
    const refused = runSlotmark([...args, ...short, option, value]);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, expected);
  }
  assert.deepEqual(superblocks(), before);

  const { code, stderr } = runSlotmark([...args, ...short]);
  assert.equal(code, 0, stderr);
  const result = readResult(out);
  const writing = result.trials.filter(({ labels }) => labels.bitmap !== undefined);
  assert.ok(writing.length > 0);
  assert.ok(writing.every(({ labels }) => labels.chunkBytes === 64 << 20 && labels.nodes === 4));
  assert.deepEqual(superblocks(), before, "md superblocks are as mdadm left them");
  assert.equal(runSlotmark(["examine", ...members, "--check"]).code, 0);
});

for (const nodes of [1, 64]) {
  test(`${nodes} nodes run together, each in its own slot`, (context) => {
    const folder = runFolder(context);
    const out = path.join(folder, "result.json");
    const { code, stderr } = runSlotmark([
      ...[
        "run",
        "--member",
        path.join(folder, "a.img"),
        "--member",
        path.join(folder, "b.img"),
        "--out",
        out,
      ],
      ...[
        "--size",
        "192M",
        "--nodes",
        String(nodes),
        "--trials",
        "1",
        "--time",
        "200ms",
        "--daemon-sleep",
        "100ms",
      ],
    ]);
    assert.equal(code, 0, stderr);
    const examined = JSON.parse(runSlotmark(["examine", "--json", path.join(folder, "a.img")]).stdout);
    const slots: { slot: number; dirtyChunks: number }[] = examined[0].bitmap.slots;
    assert.equal(slots.length, Math.max(2, nodes));
    const dirty = slots.filter((slot) => slot.dirtyChunks > 0).map((slot) => slot.slot);
    const writing = readResult(out).trials.filter(({ labels }) => labels.bitmap !== undefined);
    const lastHadBitmap = writing.at(-1)?.labels.bitmap === "on";
    if (lastHadBitmap)
      assert.deepEqual(
        dirty,
        Array.from({ length: nodes }, (_, slot) => slot),
      );
    else assert.deepEqual(dirty, []);
  });
}
