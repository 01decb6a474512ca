import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { runEventHook } from "../../src/cluster/event-hook.js";
import { temporaryDirectory } from "../storage/machine.js";

const event = { deviceUuid: "89fc2347-d931-9725-b379-a7bd1c37b2c6", raidDisk: 2, deviceName: "md0" };
/** Longer than any of these commands takes on a busy machine. */
const AMPLE_MS = 60_000;

suite("the event hook", () => {
  test("gets what the kernel's uevent carries", async (t) => {
    const file = join(temporaryDirectory(t), "environment");
    const command = `echo "$ACTION $EVENT $DEVICE_UUID $RAID_DISK $DEVNAME" > '${file}'`;
    assert.deepEqual(await runEventHook(command, event, AMPLE_MS), { kind: "none" });
    assert.equal(
      readFileSync(file, "utf8"),
      "change ADD_DEVICE 89fc2347-d931-9725-b379-a7bd1c37b2c6 2 md0\n",
    );
  });

  test("answers by its first line", async () => {
    const answer = (command: string) => runEventHook(command, event, AMPLE_MS);
    assert.deepEqual(await answer("echo /dev/vdc; echo more"), { kind: "found", path: "/dev/vdc" });
    assert.deepEqual(await answer("printf missing"), { kind: "missing" });
    assert.deepEqual(await answer("true"), { kind: "none" });
    const long = await answer("head -c 1000000 /dev/zero | tr '\\0' x");
    assert.equal(long.kind === "found" && long.path.length, 4096);
  });

  test("a command that fails refuses, whatever it printed", async () => {
    assert.deepEqual(await runEventHook("echo /dev/vdc; exit 3", event, AMPLE_MS), {
      kind: "failed",
      reason: "it exited with 3",
    });
    assert.deepEqual(await runEventHook("kill -9 $$", event, AMPLE_MS), {
      kind: "failed",
      reason: "SIGKILL ended it",
    });
  });

  test("one that hangs is killed with its children, and has not answered", async (t) => {
    const folder = temporaryDirectory(t);
    const [pidFile, lateFile] = [join(folder, "pid"), join(folder, "late")];
    const command = `echo /dev/vdc; sh -c 'echo $$ > "${pidFile}"; sleep 600; touch "${lateFile}"'`;
    const running = runEventHook(command, event, 2_000);
    assert.deepEqual(await running, { kind: "timedOut" });
    const child = readFileSync(pidFile, "utf8").trim();
    for (let turn = 0; turn < 1_000 && isRunning(child); turn++) await setTimeout(5);
    assert.equal(isRunning(child), false);
    assert.equal(existsSync(lateFile), false);
  });

  test("one that leaves a child behind with its output open is not waited for beyond its time", async () => {
    const command = "setsid sleep 3 & echo /dev/vdc";
    assert.deepEqual(await runEventHook(command, event, 200), { kind: "timedOut" });
  });

  test("ends early by its signal", async () => {
    const stop = new AbortController();
    const running = runEventHook("sleep 600", event, AMPLE_MS, stop.signal);
    stop.abort();
    assert.deepEqual(await running, { kind: "timedOut" });
  });
});

function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
