import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePageIo } from "../../src/measure/page-io.js";
import { runWarnings } from "../../src/measure/run-warnings.js";
import type { IoUringProbe } from "../../src/storage/native.js";

const WHOLE: IoUringProbe = {
  available: true,
  rings: 4,
  write: true,
  writeFixed: true,
  fsync: true,
  extArg: true,
  noDrop: true,
};
const FORBIDDEN: IoUringProbe = { ...WHOLE, available: false, errno: 1, rings: 0 };

test("io_uring is the default where the kernel has it", () => {
  assert.deepEqual(
    choosePageIo(undefined, 4, () => WHOLE),
    { io: "uring", fallback: null },
  );
  assert.deepEqual(
    choosePageIo("psync", 4, () => WHOLE),
    { io: "psync", fallback: null },
  );
});

test("where the kernel refuses io_uring the run goes on with psync, and the result says why", () => {
  const choice = choosePageIo(undefined, 4, () => FORBIDDEN);
  assert.deepEqual(choice, {
    io: "psync",
    fallback: "the kernel gives this process no io_uring (EPERM)",
  });
  const codes = runWarnings([], [], "serial", choice, []).map(({ code }) => code);
  assert.deepEqual(codes, ["io-uring-refused", "members-serial"]);
  assert.match(
    choosePageIo(undefined, 4, () => ({ ...WHOLE, fsync: false })).fallback ?? "",
    /lacks write or fsync/,
  );
});

test("a kernel with fewer rings than the run has nodes has none for it", () => {
  const few: IoUringProbe = { ...FORBIDDEN, errno: 24, rings: 2 };
  const asked: number[] = [];
  const choice = choosePageIo(undefined, 4, (rings) => {
    asked.push(rings);
    return few;
  });
  assert.deepEqual(asked, [4]);
  assert.deepEqual(choice, {
    io: "psync",
    fallback: "the kernel gives this process 2 rings of io_uring, not one for each of 4 nodes (EMFILE)",
  });
});

test("who asks for io_uring by name gets it or an error", () => {
  assert.throws(() => choosePageIo("uring", 4, () => FORBIDDEN), {
    code: "io-uring-refused",
    kind: "refused",
  });
  assert.throws(() => choosePageIo("libaio", 4), { code: "io-unknown", kind: "usage" });
});
