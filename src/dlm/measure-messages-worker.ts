/**
 * Worker thread of `measureMessagesFromJavaScript`: node 1 sends once it is told to, the others receive.
 */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { joinEmbeddedLockspace } from "./embedded-lockspace.js";
import type { MessageWorkerData } from "./measure-messages-from-javascript.js";

const data: MessageWorkerData = workerData;
const lockspace = joinEmbeddedLockspace(data);
const channel = await lockspace.openChannel({ variant: data.variant, onMessage: () => {} });
channel.ref();
parentPort?.postMessage("ready");

if (data.node === 1 && parentPort !== null) {
  await once(parentPort, "message");
  const payload = new Uint8Array(lockspace.lvbBytes);
  const sendNs: number[] = [];
  const nativeNs: number[] = [];
  const untilMs = performance.now() + data.timeMs;
  while (sendNs.length < data.samples && performance.now() < untilMs) {
    const startedAt = process.hrtime.bigint();
    const times = await channel.send(payload);
    sendNs.push(Number(process.hrtime.bigint() - startedAt));
    nativeNs.push(times.all ?? 0);
  }
  parentPort.postMessage({ sendNs: Float64Array.from(sendNs), nativeNs: Float64Array.from(nativeNs) });
}
