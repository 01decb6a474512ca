import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../results/temporary-folder.js";
import { runSlotmark } from "./run-slotmark.js";

interface Report {
  readonly possible: boolean;
  readonly checks: readonly { name: string; subject: string | null; status: string; found: string }[];
  readonly environment: object;
}

function doctor(...members: string[]): { code: number | null; report: Report; stderr: string } {
  const { code, stdout, stderr } = runSlotmark([
    "doctor",
    "--json",
    ...members.flatMap((path) => ["--member", path]),
  ]);
  return { code, report: JSON.parse(stdout), stderr };
}

test("doctor looks at everything that the contract names, and leaves nothing behind", (context) => {
  const folder = temporaryFolder(context);
  const { code, report, stderr } = doctor(join(folder, "a.img"), join(folder, "b.img"));
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.equal(report.possible, true);
  const names = new Set(report.checks.map(({ name }) => name));
  for (const name of ["io_uring", "governor", "load", "DLM", "member", "O_DIRECT", "free space"]) {
    assert.ok(names.has(name), name);
  }
  // A folder without a disk under it (tmpfs) has none of its facts, and says so.
  if (!names.has("device"))
    for (const name of ["FUA", "scheduler", "write cache"]) assert.ok(names.has(name), name);
  assert.deepEqual(readdirSync(folder), []);
});

test("doctor reads as text too, and says whether a run is possible", () => {
  const { code, stdout } = runSlotmark(["doctor"]);
  assert.equal(code, 0);
  assert.match(stdout, /^io_uring +(ok|warning) /m);
  assert.match(stdout, /\nA run is possible here\.\n$/);
});

test("a member that no run could use makes it exit 2, with one document on stdout", (context) => {
  const folder = temporaryFolder(context);
  const foreign = join(folder, "notes.txt");
  writeFileSync(foreign, "somebody's notes\n".repeat(1000));
  for (const path of [foreign, folder, "/dev/null", join(folder, "absent/a.img")]) {
    const { code, report, stderr } = doctor(path);
    assert.equal(code, 2, path);
    assert.equal(stderr, "");
    assert.equal(report.possible, false);
    const [member] = report.checks.filter(({ name }) => name === "member");
    assert.equal(member?.status, "impossible", path);
    assert.equal(member?.subject, path);
  }
  assert.equal(existsSync(join(folder, "absent")), false);
  const plain = runSlotmark(["doctor", "--member", foreign]);
  assert.equal(plain.code, 2);
  assert.match(plain.stdout, /\nNo run is possible like this\.\n$/);
});
