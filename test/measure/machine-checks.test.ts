import assert from "node:assert/strict";
import { test } from "node:test";
import { dlmCheck, governorCheck, ioUringCheck, loadCheck } from "../../src/measure/machine-checks.js";

const RING = {
  available: true,
  rings: 1,
  write: true,
  writeFixed: true,
  fsync: true,
  extArg: true,
  noDrop: true,
};
const NO_RING = {
  available: false,
  rings: 0,
  write: false,
  writeFixed: false,
  fsync: false,
  extArg: false,
  noDrop: false,
};
const EPERM = 1;
const ENOSYS = 38;

test("io_uring: what is forbidden says by what, what is absent asks for another kernel", () => {
  assert.equal(ioUringCheck(RING, "0").status, "ok");
  const forbidden = ioUringCheck({ ...NO_RING, errno: EPERM }, "2");
  assert.equal(forbidden.status, "warning");
  assert.match(forbidden.found, /EPERM; kernel\.io_uring_disabled is 2/);
  assert.match(forbidden.remedy ?? "", /sysctl/);
  const absent = ioUringCheck({ ...NO_RING, errno: ENOSYS }, null);
  assert.match(absent.found, /ENOSYS\)/);
  assert.match(absent.remedy ?? "", /kernel with io_uring/);
  assert.equal(ioUringCheck({ ...RING, fsync: false }, "0").status, "warning");
});

test("governor: performance is fine, others move the clock, none is a note", () => {
  assert.equal(governorCheck("performance", "none").status, "ok");
  assert.equal(governorCheck("performance,powersave", "none").status, "warning");
  assert.match(governorCheck(null, "KVM").found, /virtual machine/);
  assert.doesNotMatch(governorCheck(null, "none").found, /virtual machine/);
});

test("load is judged by the core", () => {
  assert.equal(loadCheck(0.4, 2).status, "ok");
  assert.equal(loadCheck(0.6, 2).status, "warning");
  assert.equal(loadCheck(0.6, 64).status, "ok");
});

test("DLM: what lacks is named, and never makes a run impossible", () => {
  const whole = { library: true, controlNode: "/dev/misc/dlm-control", nodes: 2 };
  assert.equal(dlmCheck(whole).status, "ok");
  for (const [lacking, named] of [
    [{ library: false }, /libdlm\.so\.3/],
    [{ controlNode: null }, /dlm-control/],
    [{ nodes: 0 }, /no cluster manager/],
  ] as const) {
    const check = dlmCheck({ ...whole, ...lacking });
    assert.equal(check.status, "note");
    assert.match(check.found, named);
  }
});
