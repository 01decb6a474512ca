/**
 * A worker thread that joins a lockspace as a node of its own and behaves as its `workerData` says, without end.
 */
import { parentPort, workerData } from "node:worker_threads";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";

export interface LockWorkerData {
  readonly lockspace: string;
  readonly node: number;
  readonly onExit?: "leave" | "die";
  /**
   * hold: keep EX on "held". queue: wait for EX on "shared" in the event loop. sleep: the same in native code.
   * churn: convert and take value blocks in turns, in native code. chatter: the same in the event loop.
   * throw, exit: as hold, then end like this once a message comes.
   */
  readonly behaviour: "hold" | "queue" | "sleep" | "churn" | "chatter" | "throw" | "exit";
}

const data: LockWorkerData = workerData;
const lockspace = joinEmbeddedLockspace(data);
lockspace.ref();
const held = lockspace.request(`held-${data.node}`, "EX", { lvb: new Uint8Array(64) });
await held.completion;
const names = ["shared", "other"];

function churn(): void {
  const locks = names.map((name) => lockspace.request(name, "NL").lock);
  // Even NL waits behind conversions that wait.
  for (const lock of locks) lock.waitSync();
  for (let turn = 0; ; turn++) {
    for (const lock of locks) {
      void lock.convert(turn % 3 === 0 ? "EX" : "PR", { lvb: new Uint8Array(64).fill(turn) });
      lock.waitSync();
      void lock.convert("NL", { lvb: new Uint8Array(64).fill(turn) });
      lock.waitSync();
    }
  }
}

async function chatter(): Promise<void> {
  for (;;) {
    for (const name of names) {
      const { lock, completion } = lockspace.request(name, "EX", {
        onBlocking: (_, blocking) => void blocking.cancel(),
      });
      await completion;
      await lock.unlock();
    }
  }
}

parentPort?.postMessage("ready");
switch (data.behaviour) {
  case "hold":
    break;
  case "queue":
    await lockspace.request("shared", "EX").completion;
    break;
  case "sleep":
    lockspace.request("shared", "EX").lock.waitSync();
    break;
  case "churn":
    churn();
    break;
  case "chatter":
    await chatter();
    break;
  case "throw":
    parentPort?.on("message", () => {
      throw new Error("crashed on purpose");
    });
    break;
  case "exit":
    parentPort?.on("message", () => process.exit(3));
    break;
}
// Nothing here releases a lock: only the end of the thread does.
setInterval(() => held.lock.mode, 1_000_000);
