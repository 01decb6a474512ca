/**
 * slotmark's side as fio runs its jobs: in a process of its own for each sample, which rests before it starts, while another one looks
 * every ten milliseconds what has become of it. On virtual processors that halt when they are idle these looks alone change what a
 * blocking write costs by 6 to 10 %, and a process that starts at once, busy as it was, is placed by the scheduler otherwise than one
 * that has rested (loop device, depth 4: 82,000 and 147,000 writes a second of the first third of a second), so that both sides must
 * have both.
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as rest } from "node:timers/promises";
import type { Cost } from "../interleave.js";
import { placeWriter } from "./placement.js";
import type { Answer } from "./slotmark-process.js";
import type { SlotmarkOptions } from "./slotmark-side.js";

const SLOTMARK_PROCESS = new URL("slotmark-process.js", import.meta.url);
/**
 * As fio's front end does, which looks for a file each time, and as cheaply: with looks of an engine of JavaScript a loop device had 1 to
 * 3 % fewer writes. Ends when its parent does.
 */
const LOOKS = "my $p = getppid; select(undef, undef, undef, 0.01), -e $ARGV[0] while getppid == $p";
/**
 * As long as fio's between a job's fork and its start: after 300 ms a write to a loop device cost 1.8 µs of CPU more than after none,
 * after 100 ms 0.6 µs more.
 */
const REST_MS = 100;

/**
 * @param processors that its writing thread keeps to; null: any
 * @throws what the writer threw
 */
export async function runSlotmark(
  options: SlotmarkOptions,
  offsetsBytes: Float64Array,
  processors: string | null = null,
): Promise<Cost> {
  // In a session of its own, as fio's jobs are, since the kernel may schedule by sessions (CONFIG_SCHED_AUTOGROUP).
  const child = fork(SLOTMARK_PROCESS, [JSON.stringify(options)], {
    serialization: "advanced",
    detached: true,
  });
  const ended = once(child, "exit");
  const answer = (): Promise<Answer> =>
    Promise.race([
      once(child, "message").then(([message]): Answer => message),
      ended.then((): Answer => ({ error: "its process ended" })),
    ]);
  const checked = (told: Answer): Answer => {
    if ("error" in told) throw new Error(`slotmark on ${options.path}: ${told.error}`);
    return told;
  };
  try {
    child.send(offsetsBytes);
    checked(await answer());
    if (processors !== null && child.pid !== undefined) placeWriter(child.pid, processors);
    const looks = spawn("perl", ["-e", LOOKS, options.path], { stdio: "ignore" });
    try {
      await Promise.all([once(looks, "spawn"), rest(REST_MS)]);
      child.send("start");
      const told = checked(await answer());
      if (!("cost" in told)) throw new Error("slotmark's process was to say what it took");
      return told.cost;
    } finally {
      looks.kill();
    }
  } finally {
    if (child.connected) child.disconnect();
    await ended;
  }
}
