/** Entry of a node's worker thread: sets the node up, meets the others at the start barrier, works, and answers. */
import fs from "node:fs";
import { createWasmBitmap, type WasmBitmap } from "../bitmap/wasm.js";
import { EventReader } from "../block-trace/event-reader.js";
import { SlotmarkError } from "../errors.js";
import { parseBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import { pageSector, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { MemberFailed, memberFailed } from "../storage/device-error.js";
import { openPageWriter } from "../storage/open-page-writer.js";
import { Control } from "./control.js";
import { GeneratedWrites } from "./generated-writes.js";
import { Node } from "./node.js";
import type { NodeAnswer, NodeTask } from "./node-task.js";
import { TracedWrites } from "./traced-writes.js";
import { payloadBytesOf, payloadSeedOf } from "./write-source.js";

export function runNode(task: NodeTask): NodeAnswer {
  const control = new Control(task.control);
  try {
    return work(task, control);
  } catch (error) {
    control.stop();
    if (!(error instanceof SlotmarkError)) throw error;
    const { kind, code, message, remedy } = error;
    const member = error instanceof MemberFailed ? { memberPath: error.path } : {};
    return { outcome: "failed", error: { kind, code, message, remedy, ...member } };
  }
}

function work(task: NodeTask, control: Control): NodeAnswer {
  const { geometry, slot, members, writes } = task;
  const payloadBytes = payloadBytesOf(writes);
  const bitmap = createWasmBitmap({ geometry, slot, payloadBytes });
  const writer = openPageWriter(task.io, {
    members,
    memory: bitmap.memory,
    imageOffsetBytes: bitmap.imageOffsetBytes,
    imageBytes: bitmap.image.byteLength,
    payloadOffsetBytes: bitmap.payloadOffsetBytes,
    payloadBytes,
    depth: task.depth,
    durability: task.durability,
    dataSync: task.dataSync,
  });
  try {
    readOwnSlot(bitmap, task);
    fillPayload(bitmap, payloadBytes, payloadSeedOf(writes));
    const source =
      writes.kind === "generated"
        ? new GeneratedWrites(writes, bitmap, task.plug)
        : new TracedWrites(writes, new EventReader(writes.events), bitmap.ring, task.plug);
    const node = new Node(task, bitmap, writer, control, source);
    try {
      if (!control.arriveAndWait()) return { outcome: "stopped" };
      const measurement = node.run();
      return measurement === null ? { outcome: "stopped" } : { outcome: "measured", measurement };
    } finally {
      node.close();
    }
  } finally {
    writer.close();
  }
}

/** As a node that joins: its own slot's pages from the first member, then the counters from the bits. */
function readOwnSlot(bitmap: WasmBitmap, task: NodeTask): void {
  const member = task.members[0];
  if (member === undefined) throw new Error("a node needs a member");
  const offsetBytes = pageSector(task.geometry, task.slot, 0) * SECTOR_BYTES;
  const lengthBytes = bitmap.image.byteLength;
  let read: number;
  try {
    read = readAt(member.path, bitmap.image, offsetBytes);
  } catch (error) {
    throw memberFailed({ path: member.path, action: "reading", offsetBytes, lengthBytes }, error);
  }
  if (read < task.geometry.bitmapBytes) {
    throw new SlotmarkError(
      "device",
      "slot-truncated",
      `${member.path} ends inside slot ${task.slot}: ${read} bytes at offset ${offsetBytes}, expected ${task.geometry.bitmapBytes}`,
      "check that the member is still whole",
    );
  }
  bitmap.eventsCleared = Number(parseBitmapSuperblock(bitmap.image).eventsCleared);
  bitmap.setArrayState({ events: task.events, degraded: task.degraded });
  bitmap.load(0);
}

function readAt(path: string, into: Uint8Array, offsetBytes: number): number {
  const descriptor = fs.openSync(path, "r");
  try {
    return fs.readSync(descriptor, into, 0, into.byteLength, offsetBytes);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** A payload that no layer below can compress or recognise as zeroes. */
function fillPayload(bitmap: WasmBitmap, payloadBytes: number, seed: number): void {
  const words = new Uint32Array(bitmap.memory.buffer, bitmap.payloadOffsetBytes, payloadBytes / 4);
  let state = seed | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
}
