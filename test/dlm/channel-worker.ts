/**
 * A worker thread with a message channel, which behaves as its `workerData` says.
 */
import { parentPort, workerData } from "node:worker_threads";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";

export interface ChannelWorkerData {
  readonly lockspace: string;
  readonly node: number;
  /** answer: processes every message. hang: never answers one. send: sends without end. */
  readonly behaviour: "answer" | "hang" | "send";
}

const data: ChannelWorkerData = workerData;
const lockspace = joinEmbeddedLockspace({ ...data, onExit: "die" });
const channel = await lockspace.openChannel({
  onMessage: (payload) => {
    parentPort?.postMessage(payload[0]);
    // Neither resolved nor rejected, ever.
    return data.behaviour === "hang" ? new Promise(() => {}) : undefined;
  },
});
channel.ref();
parentPort?.postMessage("ready");
while (data.behaviour === "send") await channel.send(new Uint8Array(64).fill(data.node));
