/**
 * The user's command for events of the cluster (`--on-event CMD`), in the place of udev's rule (spec §6.2 steps 3 to 5).
 *
 * The command runs in a shell, with what the kernel's uevent carries in its environment: ACTION=change, EVENT=ADD_DEVICE,
 * DEVICE_UUID, RAID_DISK, DEVNAME. Its answer is its first line of output: a path (the device is there), `missing` (this
 * node does not see it), or nothing, and then slotmark looks for the device by itself. A command that fails (exit code
 * other than 0, a signal) refuses. One that is not done in time, its output closed, is killed with all that it started, and
 * has not answered.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { kill } from "node:process";
import type { Readable } from "node:stream";

/** The kernel's uevent for a disk that another node adds. */
export interface AddDeviceEvent {
  /** 36 characters. */
  readonly deviceUuid: string;
  /** The disk's number in the array, which the kernel calls so. */
  readonly raidDisk: number;
  /** As in `/dev`, such as `md0`. */
  readonly deviceName: string;
}

export type HookAnswer =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing" }
  /** It said nothing: told, but leaving the answer to slotmark. */
  | { readonly kind: "none" }
  /** It failed: taken as a refusal. `reason` for whoever looks for the cause. */
  | { readonly kind: "failed"; readonly reason: string }
  /** Killed for taking too long. */
  | { readonly kind: "timedOut" };

/** A path may be this long (PATH_MAX); the rest of the output is thrown away. */
const ANSWER_BYTES_MAX = 4096;

/**
 * Runs `command` and waits for its answer; never rejects.
 * @param signal ends it early, as its time-out does
 */
export async function runEventHook(
  command: string,
  event: AddDeviceEvent,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<HookAnswer> {
  // In a process group of its own, so that a hook's children go with it.
  const child = spawn("/bin/sh", ["-c", command], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environmentOf(event) },
  });
  const output = collect(child.stdout);
  let timedOut = false;
  const end = () => {
    timedOut = true;
    killGroup(child);
    // Something that has left the group may hold the pipe.
    child.stdout.destroy();
  };
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted === true) end();
  try {
    const failure = await ended(child);
    if (timedOut) return { kind: "timedOut" };
    if (failure !== null) return { kind: "failed", reason: failure };
    return answerOf(output.text());
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

export function environmentOf(event: AddDeviceEvent): Record<string, string> {
  return {
    ACTION: "change",
    EVENT: "ADD_DEVICE",
    DEVICE_UUID: event.deviceUuid,
    RAID_DISK: `${event.raidDisk}`,
    DEVNAME: event.deviceName,
  };
}

function answerOf(output: string): HookAnswer {
  const line = output.split("\n", 1)[0]?.trim() ?? "";
  if (line === "") return { kind: "none" };
  return line === "missing" ? { kind: "missing" } : { kind: "found", path: line };
}

function collect(stream: Readable): { text(): string } {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (piece: Buffer) => {
    if (bytes >= ANSWER_BYTES_MAX) return;
    pieces.push(piece);
    bytes += piece.length;
  });
  return { text: () => Buffer.concat(pieces).subarray(0, ANSWER_BYTES_MAX).toString("utf8") };
}

/** Null where it succeeded and all its output has been read; else why it failed. */
function ended(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signalName) => {
      if (code === 0) {
        if (child.stdout?.readableEnded === true) resolve(null);
        else child.stdout?.once("close", () => resolve(null));
        return;
      }
      resolve(signalName === null ? `it exited with ${code}` : `${signalName} ended it`);
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    kill(-child.pid, "SIGKILL");
  } catch {
    // It has gone by itself.
  }
}
