/** `slotmark create` as a user calls it: what it makes, prints, refuses, and leaves behind when it fails. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { MAIN, runSlotmark } from "../cli/run-slotmark.js";
import { examined } from "../examine/examined.js";
import {
  clusteredFile,
  digest,
  mount,
  run,
  temporaryDirectory,
  undoAfter,
  whyNoBlockDevices,
} from "../storage/machine.js";

const MIB = 2 ** 20;
const UUID = "0f0e0d0c-0b0a-0908-0706-050403020100";

test("every option reaches the superblocks", async (t) => {
  const folder = temporaryDirectory(t);
  const paths = ["a", "b"].map((name) => join(folder, name));
  const deviceUuids = [1, 2].map((digit) => `${digit}0000000-0000-0000-0000-00000000000${digit}`);
  const outcome = runSlotmark([
    "create",
    ...paths,
    ...["--nodes", "5", "--size", "1G", "--chunk", "1M", "--level", "10", "--cluster-name", "hacluster"],
    ...["--assume-clean", "--uuid", UUID, "--time", "1700000000", "--name", "san:r10", "--json"],
    ...deviceUuids.flatMap((uuid) => ["--device-uuid", uuid]),
  ]);
  assert.equal(outcome.code, 0, outcome.stderr);
  assert.match(outcome.stderr, /level 10/);
  const made = JSON.parse(outcome.stdout);
  assert.equal(made.setUuid, UUID);
  assert.deepEqual(
    made.members.map(({ member }: { member: string }) => member),
    paths,
  );
  const members = await examined(paths, true);
  for (const [index, { superblock, bitmap }] of members.entries()) {
    assert.equal(superblock.setUuid, UUID);
    assert.equal(superblock.deviceUuid, deviceUuids[index]);
    assert.equal(superblock.setName, "san:r10");
    assert.equal(superblock.level, 10);
    assert.equal(superblock.resyncOffset, "none");
    assert.equal(superblock.events, 0);
    assert.deepEqual(superblock.roles, [0, 1]);
    assert.equal(bitmap?.nodes, 5);
    assert.equal(bitmap?.chunkBytes, MIB);
    assert.equal(bitmap?.clusterName, "hacluster");
    assert.deepEqual(
      bitmap?.slots.map(({ dirtyChunks }) => dirtyChunks),
      [bitmap?.chunks, 0, 0, 0, 0],
    );
    const path = paths[index] ?? "";
    assert.equal(statSync(path).size, 1024 * MIB);
    // Sparse: superblocks and slot 0, not a gigabyte.
    assert.ok(statSync(path).blocks * 512 < MIB);
  }
});

test("without options: four nodes, mdadm's chunk, a resync to come, UUIDs of its own", async (t) => {
  const folder = temporaryDirectory(t);
  const paths = ["a", "b", "c"].map((name) => join(folder, name));
  const outcome = runSlotmark(["create", ...paths, "--size", "64M"]);
  assert.equal(outcome.code, 0, outcome.stderr);
  assert.match(outcome.stdout, /raid1 on .*a, .*b, .*c\nbitmap +4 slots of 1 chunk of 64 MiB\n/);
  const members = await examined(paths, true);
  assert.equal(new Set(members.map(({ superblock }) => superblock.deviceUuid)).size, 3);
  assert.equal(members[0]?.superblock.resyncOffset, 0);
  assert.equal(members[0]?.bitmap?.nodes, 4);
});

test("of larger members only --size is used", async (t) => {
  const folder = temporaryDirectory(t);
  const [small, large] = [join(folder, "small"), join(folder, "large")];
  writeFileSync(large, "");
  truncateSync(large, 128 * MIB);
  const outcome = runSlotmark(["create", small, large, "--size", "64M"]);
  assert.equal(outcome.code, 0, outcome.stderr);
  const [a, b] = await examined([small, large], true);
  assert.equal(b?.superblock.dataSizeSectors, a?.superblock.dataSizeSectors);
});

describe("refused with exit code 2, and no file is left behind", () => {
  for (const [what, code, options] of [
    ["a chunk that is no power of two", "chunk-not-power-of-two", ["--size", "64M", "--chunk", "48K"]],
    ["a chunk under mdadm's minimum", "chunk-too-small", ["--size", "1G", "--chunk", "32K"]],
    ["65 nodes", "too-many-nodes", ["--size", "64M", "--nodes", "65"]],
    ["one node", "too-few-nodes", ["--size", "64M", "--nodes", "1"]],
    ["members too small", "member-too-small", ["--size", "1M"]],
    ["level 5", "level-unsupported", ["--size", "64M", "--level", "5"]],
    ["a size that is none", "size-invalid", ["--size", "64MB"]],
    ["a UUID that is none", "uuid-invalid", ["--size", "64M", "--uuid", "array"]],
    [
      "three device UUIDs for two members",
      "device-uuid-count",
      ["--size", "64M", ...[1, 2, 3].flatMap((digit) => ["--device-uuid", UUID.replace("0f", `0${digit}`)])],
    ],
    [
      "the same device UUID twice",
      "duplicate-device-uuid",
      ["--size", "64M", "--device-uuid", UUID, "--device-uuid", UUID],
    ],
    ["a long cluster name", "cluster-name-too-long", ["--size", "64M", "--cluster-name", "c".repeat(65)]],
    ["a long name", "name-too-long", ["--size", "64M", "--name", `host:${"n".repeat(30)}`]],
    ["no size", "member-missing", []],
    ["a destroyed path that is no member", "destroy-names-no-member", ["--size", "64M", "--destroy", "/x"]],
  ] satisfies [string, string, string[]][]) {
    test(what, (t) => {
      const folder = temporaryDirectory(t);
      const paths = ["a", "b"].map((name) => join(folder, name));
      const outcome = runSlotmark(["create", ...paths, ...options, "--json"]);
      assert.equal(outcome.code, 2);
      assert.equal(JSON.parse(outcome.stdout).error.code, code);
      for (const path of paths) assert.ok(!existsSync(path));
    });
  }

  test("one member, a directory, the same member twice", (t) => {
    const folder = temporaryDirectory(t);
    const path = join(folder, "a");
    for (const members of [[path], [path, folder], [path, path]]) {
      const outcome = runSlotmark(["create", ...members, "--size", "64M"]);
      assert.equal(outcome.code, 2);
      assert.doesNotMatch(outcome.stderr, /^\s+at /m);
      assert.ok(!existsSync(path));
    }
  });

  test("a full filesystem", (t) => {
    const reason = whyNoBlockDevices();
    if (reason !== undefined) return t.skip(reason);
    const folder = temporaryDirectory(t);
    mount(t, "-t", "tmpfs", "-o", "size=64k", "slotmark-test", folder);
    const paths = ["a", "b"].map((name) => join(folder, name));
    const outcome = runSlotmark(["create", ...paths, "--size", "100G", "--chunk", "256K", "--json"]);
    assert.equal(outcome.code, 2, outcome.stderr);
    assert.equal(JSON.parse(outcome.stdout).error.code, "no-space");
    for (const path of paths) assert.ok(!existsSync(path));
  });
});

test("an array that exists stays as it is, unless --destroy repeats its members", async (t) => {
  const folder = temporaryDirectory(t);
  const paths = ["a", "b"].map((name) => join(folder, name));
  const create = (...options: string[]) => runSlotmark(["create", ...paths, "--no-watch", ...options]);
  assert.equal(create("--size", "64M").code, 0);
  const before = await examined(paths);
  const bytes = paths.map((path) => readFileSync(path));
  assert.equal(create().code, 2);
  assert.equal(create("--destroy", paths[0] ?? "").code, 2);
  // What it would refuse anyway destroys nothing either.
  assert.equal(create(...paths.flatMap((path) => ["--destroy", path]), "--chunk", "48K").code, 2);
  for (const [index, path] of paths.entries()) assert.ok(bytes[index]?.equals(readFileSync(path)));
  assert.deepEqual(await examined(paths), before);
  assert.equal(create(...paths.flatMap((path) => ["--destroy", path]), "--nodes", "3").code, 0);
  const after = await examined(paths, true);
  assert.equal(after[0]?.bitmap?.nodes, 3);
  assert.notEqual(after[0]?.superblock.setUuid, before[0]?.superblock.setUuid);
});

test("--destroy leaves no older signature, neither around the superblock nor where the data begins", (t) => {
  const reason = whyNoBlockDevices("mkfs.ext4", "wipefs");
  if (reason !== undefined) return t.skip(reason);
  const folder = temporaryDirectory(t);
  const paths = ["a", "b"].map((name) => join(folder, name));
  for (const path of paths) {
    writeFileSync(path, "");
    truncateSync(path, 64 * MIB);
    run("mkfs.ext4", "-q", "-F", path);
    run("mkfs.ext4", "-q", "-F", "-E", `offset=${MIB}`, path, "60M");
  }
  assert.equal(runSlotmark(["create", ...paths]).code, 2);
  const destroy = paths.flatMap((path) => ["--destroy", path]);
  const outcome = runSlotmark(["create", ...paths, ...destroy]);
  assert.equal(outcome.code, 0, outcome.stderr);
  for (const path of paths) {
    const types = run("wipefs", "--noheadings", "--output", "TYPE", path).trim();
    assert.equal(types, "linux_raid_member");
    assert.equal(run("sh", "-c", `blkid --probe --offset ${MIB} ${path} || true`), "");
  }
});

test("interrupted while it watches whether another host uses a member: exit code 130, nothing written", async (t) => {
  const folder = temporaryDirectory(t);
  const paths = (["a", "b"] as const).map((leg) => clusteredFile(folder, leg, leg));
  const before = paths.map(digest);
  const options = paths.flatMap((path) => ["--destroy", path]);
  const child = spawn(process.execPath, [MAIN, "create", ...paths, ...options]);
  undoAfter(t, () => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
    if (/^watching /m.test(stderr)) child.kill("SIGINT");
  });
  const [code] = await once(child, "close");
  assert.equal(code, 130, stderr);
  assert.deepEqual(paths.map(digest), before);
});
