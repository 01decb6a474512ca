/** Worker thread that is one node of a running array: it joins, says so, and does what it is told, one order at a time. */

import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { joinEmbeddedLockspace } from "../dlm/embedded-lockspace.js";
import { SlotmarkError } from "../errors.js";
import { monotonicNs } from "../storage/monotonic.js";
import { AddDiskError } from "./add-disk-error.js";
import { joinArray } from "./array-node.js";
import { createArrayStorage } from "./array-storage.js";
import type {
  ArrayAnswer,
  ArrayOrder,
  ArrayWorkerData,
  DirtyOrder,
  FromWorker,
  WriterOrder,
  WriterReport,
} from "./array-worker-task.js";
import type { ClusterEvent } from "./cluster-event.js";

const WRITE_BYTES = 4096;
/** Events leave in groups, for each message between threads costs. */
const EVENTS_EVERY_MS = 10;

const data: ArrayWorkerData = workerData;
/** What suites measure; the rest is for a trace. */
const PROTOCOL = new Set<ClusterEvent["kind"]>([
  "joinStep",
  "messageSent",
  "writersSuspended",
  "writersResumed",
  "memberFaulty",
  "addDisk",
  "recovery",
  "resync",
  "left",
  "died",
]);

let events: ClusterEvent[] = [];
const post = (message: FromWorker) => parentPort?.postMessage(message);
function sendEvents(): void {
  if (events.length === 0) return;
  post({ events });
  events = [];
}
setInterval(sendEvents, EVENTS_EVERY_MS).unref();

const node = await joinArray({
  joinLockspace: ({ arrayUuid, onRecovery }) =>
    joinEmbeddedLockspace({ lockspace: arrayUuid, node: data.node, onExit: "die", onRecovery }),
  memberPaths: data.memberPaths,
  visiblePaths: data.visiblePaths,
  newDisks: data.newDisks,
  ...(data.eventCommand === null ? {} : { eventCommand: data.eventCommand }),
  variant: data.variant,
  kernel: data.kernel,
  storage: createArrayStorage({ durability: data.durability }),
  daemonSleepMs: data.daemonSleepMs,
  timeouts: data.timeouts,
  watchLocks: data.traced,
  onEvent: (event) => {
    if (data.traced || PROTOCOL.has(event.kind)) events.push(event);
  },
}).catch((error: unknown) => {
  fail(error);
  return null;
});
if (node !== null) answer({ kind: "done" });

parentPort?.on("message", (order: ArrayOrder) => {
  obey(order).then(answer, fail);
});

async function obey(order: ArrayOrder): Promise<ArrayAnswer> {
  if (node === null) throw new Error("a node that has not joined takes no orders");
  switch (order.kind) {
    case "dirty":
      await dirty(order.dirty);
      return { kind: "done" };
    case "startWriter":
      startWriter(order.writer);
      return { kind: "done" };
    case "stopWriter":
      return { kind: "written", report: await stopWriter() };
    case "addDisk":
      return await add(order.path, order.destroy);
    case "removeDisk":
      await node.removeMember(order.device);
      return { kind: "done" };
    case "tell":
      return { kind: "done" };
    case "die":
      node.die();
      return { kind: "done" };
    case "leave":
      await node.leave();
      return { kind: "done" };
  }
}

async function dirty({ firstChunk, chunks, strideChunks, chunkBytes }: DirtyOrder): Promise<void> {
  for (let index = 0; index < chunks; index++) {
    await node?.write((firstChunk + index * strideChunks) * chunkBytes, WRITE_BYTES);
  }
}

async function add(path: string, destroy: boolean): Promise<ArrayAnswer> {
  const fromNs = monotonicNs();
  try {
    const member = await node?.addDisk({ path, destroy });
    return { kind: "added", device: member?.deviceNumber ?? 0, durationNs: monotonicNs() - fromNs };
  } catch (error) {
    if (!(error instanceof AddDiskError)) throw error;
    return { kind: "notAdded", errno: error.errnoName, durationNs: monotonicNs() - fromNs };
  }
}

let writing: { stop: boolean; readonly ended: Promise<WriterReport> } | null = null;

function startWriter(order: WriterOrder): void {
  const control = { stop: false };
  writing = Object.assign(control, { ended: write(order, control) });
  // It is heard where the writer is stopped.
  writing.ended.catch(() => {});
}

async function stopWriter(): Promise<WriterReport> {
  if (writing === null) throw new Error("no writer was started");
  writing.stop = true;
  const report = await writing.ended;
  writing = null;
  return report;
}

/** Closed loop, one write at a time; each begins with a turn of the event loop, for what other nodes want. */
async function write(order: WriterOrder, control: { readonly stop: boolean }): Promise<WriterReport> {
  const { fromBytes, untilBytes, writeBytes } = order;
  const places = Math.floor((untilBytes - fromBytes) / writeBytes);
  const latenciesNs: number[] = [];
  let state = order.seed | 1;
  while (!control.stop) {
    await setImmediate();
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const offsetBytes = fromBytes + ((state >>> 0) % places) * writeBytes;
    const startNs = monotonicNs();
    await node?.write(offsetBytes, writeBytes);
    latenciesNs.push(monotonicNs() - startNs);
  }
  return { latenciesNs: Float64Array.from(latenciesNs) };
}

function answer(given: ArrayAnswer): void {
  sendEvents();
  post({ answer: given });
}

function fail(error: unknown): void {
  sendEvents();
  if (!(error instanceof SlotmarkError)) throw error;
  const { kind, code, message, remedy } = error;
  post({ failed: { kind, code, message, remedy } });
}
