/** Unpacks the captured machine of `sysfs/` (see the README there) into a directory. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { SystemRoots } from "../../src/storage/system-roots.js";
import { temporaryDirectory } from "./machine.js";

const CAPTURE = fileURLToPath(new URL("../../../test/storage/sysfs/stacked-disks.json", import.meta.url));

interface Capture {
  readonly files: Readonly<Record<string, string>>;
  readonly links: Readonly<Record<string, string>>;
}

export function capturedTree(t: TestContext): SystemRoots {
  const directory = temporaryDirectory(t);
  const { files, links }: Capture = JSON.parse(readFileSync(CAPTURE, "utf8"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    symlinkSync(target, join(directory, path));
  }
  return { sys: join(directory, "sys"), proc: join(directory, "proc") };
}
