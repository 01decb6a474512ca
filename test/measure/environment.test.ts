import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statfsSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { captureEnvironment } from "../../src/measure/environment.js";
import { environmentSchema } from "../../src/measure/environment-schema.js";
import { slotmarkIdentity } from "../../src/measure/identity.js";
import { REPOSITORY } from "../cli/run-slotmark.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { whyNoBlockDevices } from "../storage/machine.js";

function tool(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8" }).trim();
}

test("what is captured passes the schema of the result file, with and without members", (context) => {
  const folder = temporaryFolder(context);
  const absent = join(folder, "not-yet.img");
  for (const paths of [[], [folder, absent]]) {
    const environment = captureEnvironment(paths);
    assert.deepEqual(environmentSchema.parse(environment), environment);
    assert.equal(environment.members.length, paths.length);
  }
});

test("machine facts agree with what the system's own tools say", () => {
  const { cpu, kernel, memoryBytes, node } = captureEnvironment([]);
  assert.equal(cpu.cores, Number(tool("nproc", "--all")));
  assert.ok(kernel.startsWith(`${tool("uname", "-r")} `));
  assert.equal(
    memoryBytes,
    1024 * Number(/MemTotal:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]),
  );
  assert.equal(node, process.version);
});

test("a file that is yet to be made is described by the filesystem of its folder", (context) => {
  const folder = temporaryFolder(context);
  const [member] = captureEnvironment([join(folder, "not-yet.img")]).members;
  assert.equal(member?.kind, "file");
  assert.equal(member?.filesystem?.type, tool("findmnt", "-nro", "FSTYPE", "-T", folder));
  assert.equal(member?.filesystem?.mountPoint, tool("findmnt", "-nro", "TARGET", "-T", folder));
  assert.equal(existsSync(join(folder, "not-yet.img")), false);
});

test("a file on tmpfs has no device", () => {
  const TMPFS_MAGIC = 0x01021994;
  assert.equal(statfsSync("/dev/shm").type, TMPFS_MAGIC);
  const [member] = captureEnvironment(["/dev/shm/not-yet.img"]).members;
  assert.equal(member?.filesystem?.type, "tmpfs");
  assert.equal(member?.device, null);
});

test("a loop device says which file is behind it", (context) => {
  const reason = whyNoBlockDevices("losetup", "blockdev");
  if (reason !== undefined) return context.skip(reason);
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, "with space"));
  const backing = join(folder, "with space", "disk.img");
  closeSync(openSync(backing, "w"));
  truncateSync(backing, 1 << 20);
  const loop = tool("losetup", "-f", "--show", backing);
  try {
    const [member] = captureEnvironment([loop]).members;
    assert.equal(member?.kind, "block");
    assert.equal(member?.filesystem, null);
    assert.equal(member?.device?.backingFile, backing);
    assert.equal(member?.device?.logicalBlockBytes, Number(tool("blockdev", "--getss", loop)));
  } finally {
    tool("losetup", "-d", loop);
  }
});

test("slotmark names its version and the commit of its repository, or says that it does not know it", () => {
  const { version, commit } = slotmarkIdentity();
  assert.equal(version, JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")).version);
  if (existsSync(join(REPOSITORY, ".git"))) {
    assert.equal(
      commit.replace("+changes", ""),
      tool("git", "-c", "safe.directory=*", "-C", REPOSITORY, "rev-parse", "HEAD"),
    );
  } else assert.match(commit, /^([0-9a-f]{40}(\+changes)?|unknown)$/);
});
