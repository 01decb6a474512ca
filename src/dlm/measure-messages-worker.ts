/**
 * Worker thread of `measureMessagesFromJavaScript`: node 1 sends once it is told to, the others receive.
 */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { loadAddon } from "./addon.js";
import type { SendTimes } from "./channel.js";
import { joinEmbeddedLockspace } from "./embedded-lockspace.js";
import { LockError } from "./lock-error.js";
import { MESSAGE_PARTS, type MessagePart } from "./measure-messages.js";
import type { MessageWorkerData, SentFromJavaScript } from "./measure-messages-from-javascript.js";

const data: MessageWorkerData = workerData;
// As native threads are: nodes that share a core by chance would hand over without waking another.
loadAddon().keepThreadOnCore(data.node - 1);
const deadlocks = new Int32Array(data.deadlocks);
const lockspace = joinEmbeddedLockspace(data);
const channel = await lockspace.openChannel({
  variant: data.variant,
  onMessage: () => {},
  onError: (error) => {
    if (!(error instanceof LockError && error.errnoName === "EDEADLK")) throw error;
    Atomics.add(deadlocks, 0, 1);
  },
});
channel.ref();
parentPort?.postMessage("ready");

if (data.node === 1 && parentPort !== null) {
  await once(parentPort, "message");
  parentPort.postMessage(await send());
}

async function send(): Promise<SentFromJavaScript> {
  const payload = new Uint8Array(lockspace.lvbBytes);
  const sendNs: number[] = [];
  const taken: SendTimes[] = [];
  const untilMs = performance.now() + data.timeMs;
  while (sendNs.length < data.samples && performance.now() < untilMs) {
    const startedAt = process.hrtime.bigint();
    const times = await channel.send(payload);
    sendNs.push(Number(process.hrtime.bigint() - startedAt));
    taken.push(times);
  }
  const part = (name: MessagePart) =>
    Float64Array.from(taken, (times) =>
      MESSAGE_PARTS[name].reduce((sum, step) => sum + (times[step] ?? Number.NaN), 0),
    );
  return {
    sendNs: Float64Array.from(sendNs),
    nativeNs: Float64Array.from(taken, (times) => times.all ?? Number.NaN),
    parts: { token: part("token"), message: part("message"), ack: part("ack") },
  };
}
