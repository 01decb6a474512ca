/** The guard from the outside: `run` and `create` on a device in use end with 2, say why, and change nothing. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  digest,
  loopDevice,
  mount,
  run,
  sparseFile,
  temporaryDirectory,
  whyNoBlockDevices,
} from "./machine.js";

const MAIN = fileURLToPath(new URL("../../src/main.js", import.meta.url));

test("a mounted device is refused by run and by create, whatever --destroy says", (t) => {
  const reason = whyNoBlockDevices("losetup", "mkfs.ext4");
  if (reason !== undefined) return t.skip(reason);
  const directory = temporaryDirectory(t);
  const loop = loopDevice(t, sparseFile(directory, "disk.img", 64 << 20));
  run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", loop);
  const mountPoint = join(directory, "mounted");
  mkdirSync(mountPoint);
  // Read-only: a filesystem that is mounted for writing writes by itself from time to time.
  mount(t, "-o", "ro", loop, mountPoint);
  const other = join(directory, "other.img");
  const before = digest(loop);
  for (const command of [
    ["run", "quick", "--size", "64M", "--member", other, "--member", loop],
    ["create", "--size", "64M", other, loop],
  ]) {
    for (const destroy of [[], ["--destroy", loop]]) {
      const result = spawnSync(process.execPath, [MAIN, ...command, ...destroy, "--json"], {
        cwd: directory,
        encoding: "utf8",
      });
      assert.equal(result.status, 2, result.stderr);
      const { error } = JSON.parse(result.stdout);
      assert.equal(error.code, "member-mounted");
      assert.match(
        error.message,
        new RegExp(`^member ${loop} is in use: mounted on ${mountPoint} \\(ext4\\)`),
      );
      assert.equal(existsSync(other), false);
    }
  }
  assert.equal(digest(loop), before, "not a byte changed");
});
