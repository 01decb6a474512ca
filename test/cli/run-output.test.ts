import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../results/temporary-folder.js";
import { runSlotmark } from "./run-slotmark.js";

test("a result that could not be kept is refused before anything is made or measured", (context) => {
  const folder = temporaryFolder(context);
  const members = ["a.img", "b.img"].map((name) => join(folder, name));
  const notes = join(folder, "notes.txt");
  writeFileSync(notes, "kept");
  symlinkSync("a.img", join(folder, "link.json"));
  for (const [out, code] of [
    [folder, "path-unusable"],
    ["/dev/null", "path-unusable"],
    [join(notes, "r.json"), "path-unusable"],
    [members[1] ?? "", "out-is-a-member"],
  ]) {
    const args = ["run", "--json", ...members.flatMap((path) => ["--member", path]), "--size", "64M"];
    const outcome = runSlotmark([...args, "--out", out ?? ""]);
    assert.equal(outcome.code, 2, outcome.stderr);
    assert.equal(JSON.parse(outcome.stdout).error.code, code, out);
    assert.deepEqual(readdirSync(folder).sort(), ["link.json", "notes.txt"]);
  }
  assert.equal(readFileSync(notes, "utf8"), "kept");
});
