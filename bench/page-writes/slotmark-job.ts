/**
 * slotmark's side as fio runs its jobs: in a process of its own, which has waited for its start, while this one looks every ten
 * milliseconds what has become of it. On virtual processors that halt when they are idle these looks alone change what a blocking
 * write costs by 6 to 10 %, so that both sides must have them.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Cost } from "../interleave.js";
import type { Answer } from "./slotmark-process.js";
import type { SlotmarkOptions } from "./slotmark-side.js";

const SLOTMARK_PROCESS = new URL("slotmark-process.js", import.meta.url);
/** Of fio's front end, which looks for a file each time. */
const LOOK_MS = 10;

export interface SlotmarkJob {
  write(offsetsBytes: Float64Array): Promise<Cost>;
  close(): Promise<void>;
}

export function startSlotmarkJob(options: SlotmarkOptions): SlotmarkJob {
  const child = fork(SLOTMARK_PROCESS, [JSON.stringify(options)], { serialization: "advanced" });
  const ended = once(child, "exit");
  return {
    async write(offsetsBytes) {
      const looks = setInterval(() => existsSync(options.path), LOOK_MS);
      try {
        child.send(offsetsBytes);
        const answered = once(child, "message").then(([answer]): Answer => answer);
        const answer = await Promise.race([
          answered,
          ended.then((): Answer => ({ error: "its process ended" })),
        ]);
        if ("error" in answer) throw new Error(`slotmark on ${options.path}: ${answer.error}`);
        return answer.cost;
      } finally {
        clearInterval(looks);
      }
    },
    async close() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
