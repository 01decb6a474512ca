/** What is written to: a file on the temporary folder's filesystem and a loop device over another one, both filled once. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { captureEnvironment } from "../../src/measure/environment.js";
import { fillWhole } from "../node/fill-whole.js";

export const TARGET_BYTES = 64 << 20;

export interface Target {
  readonly name: string;
  readonly path: string;
  readonly isLoop: boolean;
}

export interface Targets {
  /** For small files besides. */
  readonly directory: string;
  readonly targets: readonly Target[];
  readonly skipped: readonly string[];
  remove(): void;
}

export function makeTargets(): Targets {
  const directory = mkdtempSync(join(tmpdir(), "slotmark-page-writes-"));
  let loop: string | undefined;
  const remove = () => {
    process.off("exit", remove);
    if (loop !== undefined) execFileSync("losetup", ["--detach", loop]);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", remove);
  try {
    const file = join(directory, "file.img");
    const backing = join(directory, "loop.img");
    for (const path of [file, backing]) {
      closeSync(openSync(path, "wx"));
      fillWhole(path, TARGET_BYTES, 0x11);
    }
    const filesystem = captureEnvironment([file]).members[0]?.filesystem?.type ?? "unknown";
    const targets: Target[] = [{ name: `${filesystem} file`, path: file, isLoop: false }];
    if (process.getuid?.() !== 0) {
      return { directory, targets, skipped: ["loop device: needs root"], remove };
    }
    loop = execFileSync("losetup", ["--find", "--show", backing], { encoding: "utf8" }).trim();
    targets.push({ name: "loop device", path: loop, isLoop: true });
    return { directory, targets, skipped: [], remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** @throws where the target holds anything but `fill` at the offsets and `before` elsewhere */
export function assertWritten(
  path: string,
  offsetsBytes: Float64Array,
  writeBytes: number,
  bytes: { readonly fill: number; readonly before: number; readonly who: string },
): void {
  const expected = Buffer.alloc(TARGET_BYTES, bytes.before);
  for (const offset of offsetsBytes) expected.fill(bytes.fill, offset, offset + writeBytes);
  if (!readFileSync(path).equals(expected)) {
    throw new Error(`${bytes.who} did not leave the expected bytes on ${path}`);
  }
}
