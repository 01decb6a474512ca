import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { runFolder, smallRun } from "./run-folder.js";

for (const [io, members] of [
  ["psync", "serial"],
  ["uring", "parallel"],
] as const) {
  test(`--io ${io}: a plug of eight reaches both members alike, and the result names the way`, (context) => {
    const run = smallRun(runFolder(context), "--io", io, "--plug", "8", "--trials", "1");
    const { code, stderr } = runSlotmark(run.args);
    assert.equal(code, 0, stderr);
    const result = readResult(run.out);
    assert.deepEqual(result.backends, { dlm: "embedded", io, members });
    assert.equal(
      result.warnings.some((warning) => warning.code === "members-serial"),
      io === "psync",
    );
    const [one, other] = run.members.map((member) => fs.readFileSync(member).subarray(8192));
    assert.ok(one !== undefined && other !== undefined && one.equals(other));
  });
}
