/**
 * Real files, loop devices and mounts for the guard's tests, each undone when its test ends, also when it fails.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const GOLDEN = fileURLToPath(new URL("../../../test/golden/", import.meta.url));

/** Runs a command and returns what it printed; throws with its standard error. */
export function run(command: string, ...options: string[]): string {
  return execFileSync(command, options, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: "C" },
  });
}

/** Which of these programs is not installed; under CI=true that is a failure. */
export function whyMissing(...programs: string[]): string | undefined {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  const reason = `needs ${missing.join(", ")}`;
  if (process.env.CI === "true") throw new Error(reason);
  return reason;
}

/**
 * Why this machine cannot make block devices, or undefined; under CI=true a machine that cannot is a failure.
 * @param commands programs that the test runs, or `zram` for that driver
 */
export function whyNoBlockDevices(...commands: string[]): string | undefined {
  const programs = commands.filter((command) => command !== "zram");
  const missing = whyMissing(...programs);
  if (missing !== undefined) return missing;
  const reason =
    process.getuid?.() !== 0
      ? "needs root for loop devices and mounts"
      : !existsSync("/dev/loop-control")
        ? "needs the loop driver"
        : commands.includes("zram") && !existsSync("/sys/class/zram-control")
          ? "needs the zram driver (modprobe zram)"
          : undefined;
  if (reason !== undefined && process.env.CI === "true") throw new Error(reason);
  return reason;
}

const stepsOf = new WeakMap<TestContext, (() => void)[]>();

/** Undoes in reverse order (a mount before its loop device), all of it even where a step fails. */
export function undoAfter(t: TestContext, step: () => void): void {
  const known = stepsOf.get(t);
  if (known !== undefined) {
    known.push(step);
    return;
  }
  const steps = [step];
  stepsOf.set(t, steps);
  t.after(() => {
    const failures: unknown[] = [];
    for (const undo of steps.reverse()) {
      try {
        undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("; "));
  });
}

function isInstalled(command: string): boolean {
  return [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"].some((directory) =>
    existsSync(join(directory, command)),
  );
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "slotmark-storage-"));
  undoAfter(t, () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function sparseFile(directory: string, name: string, sizeBytes: number): string {
  const path = join(directory, name);
  const descriptor = openSync(path, "w");
  ftruncateSync(descriptor, sizeBytes);
  closeSync(descriptor);
  return path;
}

export function loopDevice(t: TestContext, file: string, ...options: string[]): string {
  const device = run("losetup", "--find", "--show", ...options, file).trim();
  undoAfter(t, () => run("losetup", "--detach", device));
  return device;
}

/** A new zram device that stores no more than `limitBytes` of what cannot be compressed. */
export function zramDevice(t: TestContext, sizeBytes: number, limitBytes: number): string {
  const control = "/sys/class/zram-control";
  const id = readFileSync(`${control}/hot_add`, "utf8").trim();
  undoAfter(t, () => writeFileSync(`${control}/hot_remove`, id));
  writeFileSync(`/sys/block/zram${id}/disksize`, `${sizeBytes}`);
  writeFileSync(`/sys/block/zram${id}/mem_limit`, `${limitBytes}`);
  return `/dev/zram${id}`;
}

export function mount(t: TestContext, ...options: string[]): void {
  run("mount", ...options);
  undoAfter(t, () => run("umount", options.at(-1) ?? ""));
}

/** A digest of all bytes, for proving that not one of them changed. */
export function digest(path: string): string {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(1 << 20);
  const descriptor = openSync(path, "r");
  for (let offset = 0; ; ) {
    const length = readSync(descriptor, piece, 0, piece.length, offset);
    if (length === 0) break;
    hash.update(piece.subarray(0, length));
    offset += length;
  }
  closeSync(descriptor);
  return hash.digest("hex");
}

/** What must not change about a file when it is refused. */
export function fileState(path: string): { digest: string; size: number; blocks: number; mtimeMs: number } {
  const { size, blocks, mtimeMs } = statSync(path);
  return { digest: digest(path), size, blocks, mtimeMs };
}

/**
 * A member that mdadm made (golden/geometry), with a daemon_sleep of one second in place of five so that the watch is
 * short; the bitmap superblock has no checksum.
 */
export function clusteredFile(directory: string, name: string, leg: "a" | "b" = "a"): string {
  const path = sparseFile(directory, name, 64 << 20);
  const records = gunzipSync(readFileSync(join(GOLDEN, `geometry/s64M_n2_c64K.stopped.${leg}.blk.gz`)));
  const descriptor = openSync(path, "r+");
  for (let at = 0; at < records.length; at += 8 + 4096) {
    writeSync(descriptor, records, at + 8, 4096, Number(records.readBigUInt64LE(at)));
  }
  const oneSecond = Buffer.from([1, 0, 0, 0]);
  for (const slot of [0, 1]) writeSync(descriptor, oneSecond, 0, 4, 8192 + slot * 4096 + 56);
  closeSync(descriptor);
  return path;
}
