/** The addon's calls as TypeScript sees them; what each does in the kernel is tested in Rust. */
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  canLoadLibrary,
  errnoName,
  isOpenElsewhere,
  probeIoUring,
  tryLockFile,
} from "../../src/storage/native.js";
import { run, temporaryDirectory, whyMissing } from "./machine.js";

test("a file that this process alone has open, once, is open nowhere else", (t) => {
  const path = join(temporaryDirectory(t), "file");
  const first = openSync(path, "w+");
  assert.equal(isOpenElsewhere(first), false);
  const second = openSync(path, "r");
  assert.equal(isOpenElsewhere(first), true);
  closeSync(second);
  assert.equal(isOpenElsewhere(first), false);
  closeSync(first);
});

test("a lock has one holder and goes with its descriptor", (t) => {
  const path = join(temporaryDirectory(t), "file");
  const first = openSync(path, "w+");
  const second = openSync(path, "w+");
  assert.equal(tryLockFile(first), true);
  assert.equal(tryLockFile(second), false);
  closeSync(first);
  assert.equal(tryLockFile(second), true);
  closeSync(second);
});

test("what the kernel refuses names its errno", () => {
  const closed = openSync("/dev/null", "r");
  closeSync(closed);
  assert.throws(() => tryLockFile(closed), /errno 9$/);
  assert.throws(() => isOpenElsewhere(closed), /errno 9$/);
  assert.equal(errnoName(9), "EBADF");
  assert.equal(errnoName(0), "errno 0");
});

test("the io_uring probe has an errno exactly where no ring could be set up", () => {
  const probe = probeIoUring();
  assert.equal(probe.errno === undefined, probe.available);
  if (!probe.available) assert.deepEqual([probe.write, probe.fsync, probe.extArg], [false, false, false]);
});

test("rings are counted that can be had at once", (t) => {
  const reason = whyMissing("prlimit");
  if (reason !== undefined) return t.skip(reason);
  const module = new URL("../../src/storage/native.js", import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then((m) => console.log(JSON.stringify(m.probeIoUring(64))))`;
  const { available, errno, rings } = JSON.parse(
    run("prlimit", "--nofile=70", process.execPath, "-e", script),
  );
  assert.deepEqual({ available, errno: errnoName(errno) }, { available: false, errno: "EMFILE" });
  assert.ok(rings > 0 && rings < 64);
});

test("a library is there or it is not", () => {
  assert.equal(canLoadLibrary("libc.so.6"), true);
  assert.equal(canLoadLibrary("libslotmark-nonsense.so.1"), false);
});
