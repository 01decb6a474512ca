import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { readSignatureAt, readSignatures } from "../../src/storage/signatures.js";
import { run, sparseFile, temporaryDirectory, whyMissing } from "./machine.js";

test("what util-linux knows is listed with its place; nothing is nothing", (t) => {
  const file = sparseFile(temporaryDirectory(t), "a.img", 16 << 20);
  assert.deepEqual(readSignatures(file), []);
  assert.equal(readSignatureAt(file, 1 << 20), undefined);
  run("mkfs.ext4", "-q", "-F", "-E", `offset=${1 << 20}`, file, "8M");
  assert.equal(readSignatureAt(file, 1 << 20), "ext4");
  run("mkswap", file);
  assert.deepEqual(readSignatures(file), [{ type: "swap", offsetBytes: 4086 }]);
});

test("signatures that contradict one another are something, not nothing", (t) => {
  const reason = whyMissing("mkfs.btrfs");
  if (reason !== undefined) return t.skip(reason);
  const directory = temporaryDirectory(t);
  const [file, other] = [
    sparseFile(directory, "a.img", 128 << 20),
    sparseFile(directory, "b.img", 128 << 20),
  ];
  run("mkfs.ext4", "-q", "-F", file);
  run("mkfs.btrfs", "--quiet", "--force", other);
  // Each maker wipes what it knows, so btrfs's superblock (64 KiB from the start) is carried over.
  run("dd", `if=${other}`, `of=${file}`, "bs=4096", "skip=16", "seek=16", "count=1", "conv=notrunc");
  const types = readSignatures(file).map(({ type }) => type);
  assert.deepEqual(types.sort(), ["btrfs", "ext4"]);
  assert.equal(readSignatureAt(file, 0), "several signatures");
});

function refusalOf(run: () => unknown): SlotmarkError {
  try {
    run();
  } catch (error) {
    if (error instanceof SlotmarkError) return error;
    throw error;
  }
  assert.fail("nothing was refused");
}

test("without the prober, or when it fails, nothing is taken for granted", (t) => {
  const directory = temporaryDirectory(t);
  const missing = refusalOf(() => readSignatures(join(directory, "a.img"), "no-such-prober"));
  assert.deepEqual([missing.kind, missing.code], ["refused", "prober-missing"]);
  assert.match(missing.message, /no-such-prober does not run: no such file or directory \(ENOENT\)/);
  assert.match(missing.remedy, /install util-linux/);

  const failed = refusalOf(() => readSignatures(join(directory, "absent.img")));
  assert.deepEqual([failed.kind, failed.code], ["refused", "prober-failed"]);

  const other = join(directory, "other-prober");
  writeFileSync(other, "#!/bin/sh\necho something else\n", { mode: 0o755 });
  const strange = refusalOf(() => readSignatures(join(directory, "a.img"), other));
  assert.match(strange.message, /not of the expected form/);
});
