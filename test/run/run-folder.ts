/** A folder of a test's own on a disk (not in memory), gone afterwards, and a small run in it. */
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";

export function runFolder(context: TestContext): string {
  const folder = fs.mkdtempSync("/var/tmp/slotmark-test-");
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface SmallRun {
  readonly members: readonly string[];
  readonly out: string;
  readonly journal: string;
  readonly args: readonly string[];
}

/** A run of a few seconds on two files that stay after it. */
export function smallRun(folder: string, ...more: readonly string[]): SmallRun {
  const members = ["a.img", "b.img"].map((name) => path.join(folder, name));
  const out = path.join(folder, "result.json");
  return {
    members,
    out,
    journal: `${out}.journal`,
    args: [
      "run",
      "quick",
      ...members.flatMap((member) => ["--member", member]),
      ...[
        "--size",
        "64M",
        "--working-set",
        "32M",
        "--nodes",
        "2",
        "--time",
        "300ms",
        "--daemon-sleep",
        "100ms",
      ],
      ...["--out", out],
      ...more,
    ],
  };
}
