import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePageIo } from "../../src/measure/page-io.js";
import { runWarnings } from "../../src/measure/run-warnings.js";
import type { IoUringProbe } from "../../src/storage/native.js";

const WHOLE: IoUringProbe = {
  available: true,
  write: true,
  writeFixed: true,
  fsync: true,
  extArg: true,
  noDrop: true,
};
const FORBIDDEN: IoUringProbe = { ...WHOLE, available: false, errno: 1 };

test("io_uring is the default where the kernel has it", () => {
  assert.deepEqual(
    choosePageIo(undefined, () => WHOLE),
    { io: "uring", fallback: null },
  );
  assert.deepEqual(
    choosePageIo("psync", () => WHOLE),
    { io: "psync", fallback: null },
  );
});

test("where the kernel refuses io_uring the run goes on with psync, and the result says why", () => {
  const choice = choosePageIo(undefined, () => FORBIDDEN);
  assert.deepEqual(choice, {
    io: "psync",
    fallback: "the kernel gives this process no io_uring (EPERM)",
  });
  const codes = runWarnings([], [], "serial", choice, []).map(({ code }) => code);
  assert.deepEqual(codes, ["io-uring-refused", "members-serial"]);
  assert.match(
    choosePageIo(undefined, () => ({ ...WHOLE, fsync: false })).fallback ?? "",
    /lacks write or fsync/,
  );
});

test("who asks for io_uring by name gets it or an error", () => {
  assert.throws(() => choosePageIo("uring", () => FORBIDDEN), { code: "io-uring-refused", kind: "refused" });
  assert.throws(() => choosePageIo("libaio"), { code: "io-unknown", kind: "usage" });
});
