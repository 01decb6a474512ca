/**
 * An application's writes on a running array, in md's order (spec §3.2): wait for what another node resyncs, set the bits,
 * make their pages durable on all members, then the data. Between the first and the last step the node gives up its thread
 * nowhere, so whoever finds it waiting finds no write in flight.
 */

import { setImmediate } from "node:timers/promises";
import { writeBeyondArray } from "../bitmap/slot-bitmap.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { monotonicNs } from "../storage/monotonic.js";
import { wakeMdThread } from "./daemon.js";
import { reportFailures } from "./device-failure.js";
import { writeData, writeListedPages } from "./member-output.js";
import type { NodeState } from "./node-state.js";

export interface ArrayWrite {
  /** Within the array's data; whole sectors. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** md flushes a plug by itself at 32 × copies member bios, copies being twice the members (spec §3.2 step 5). */
const PLUG_SPLIT_WRITES = 64;

/** A node that writes without a pause still hears messages after so long. */
const TURN_EVERY_NS = 1_000_000;

/**
 * Submits a plug of writes; resolves when all are on all members, and where a member failed when every node knows that.
 * @throws SlotmarkError `write-beyond-array`, `array-failed`, `node-gone`; LockError where a failure could not be told
 */
export async function writePlug(state: NodeState, writes: readonly ArrayWrite[]): Promise<void> {
  for (const write of writes) requireInside(state, write);
  for (let first = 0; first < writes.length; first += PLUG_SPLIT_WRITES) {
    const part = writes.slice(first, first + PLUG_SPLIT_WRITES);
    await turnOfEventLoop(state);
    await waitForTurn(state, part);
    flush(state, part, writes.length === 1);
  }
  await reportFailures(state);
}

/** A write waits for nothing but the members, so that nobody else would have a turn. */
async function turnOfEventLoop(state: NodeState): Promise<void> {
  if (monotonicNs() - state.lastTurnNs < TURN_EVERY_NS) return;
  await setImmediate();
  state.lastTurnNs = monotonicNs();
}

function requireInside(
  { geometry, capacitySectors }: NodeState,
  { offsetBytes, lengthBytes }: ArrayWrite,
): void {
  const [sector, sectors] = [offsetBytes / SECTOR_BYTES, lengthBytes / SECTOR_BYTES];
  const whole = Number.isSafeInteger(sector) && Number.isSafeInteger(sectors);
  if (whole && sector >= 0 && sectors >= 1 && sector + sectors <= capacitySectors) return;
  throw writeBeyondArray({ ...geometry, syncSizeSectors: capacitySectors }, sector, sectors);
}

/** Failures that are not told yet hold up all writes, another node's resync those that touch its range. */
async function waitForTurn(state: NodeState, writes: readonly ArrayWrite[]): Promise<void> {
  const touches = ({ offsetBytes, lengthBytes }: ArrayWrite) =>
    state.suspended.overlaps(offsetBytes / SECTOR_BYTES, (offsetBytes + lengthBytes) / SECTOR_BYTES);
  for (;;) {
    state.requireWritable();
    if (state.members.all.some(({ failureUnreported }) => failureUnreported)) await reportFailures(state);
    else if (writes.some(touches)) await standStill(state, writes.length);
    else return;
  }
}

/** Until the range that another node resyncs has moved. */
async function standStill(state: NodeState, writes: number): Promise<void> {
  const atNs = monotonicNs();
  await state.suspended.changed();
  if (!state.gone) state.tell({ kind: "writesStoodStill", writes, durationNs: monotonicNs() - atNs }, atNs);
}

function flush(state: NodeState, writes: readonly ArrayWrite[], single: boolean): void {
  const { bitmap, mdThread } = state;
  for (const [event, { offsetBytes, lengthBytes }] of writes.entries()) {
    bitmap.ring.sector[event] = offsetBytes / SECTOR_BYTES;
    bitmap.ring.sectors[event] = lengthBytes / SECTOR_BYTES;
  }
  bitmap.startWrites(0, writes.length);
  let reachedAll = false;
  try {
    // A single synchronous write goes through the md thread, whose pass comes before its unplug; a batch is unplugged by
    // its caller and wakes nobody (golden/writes findings 4 and 8).
    if (state.options.daemon === "timer" && (single || monotonicNs() >= mdThread.wakesAtNs))
      wakeMdThread(state);
    writeListedPages(state, bitmap.unplug(), "unplug");
    reachedAll = writes.map((write) => writeContents(state, write)).every(Boolean);
  } finally {
    bitmap.endWrites(0, writes.length, !reachedAll);
  }
}

/** Every write differs from what its blocks held, as an application's would; all members get the same. */
function writeContents(state: NodeState, { offsetBytes, lengthBytes }: ArrayWrite): boolean {
  const { memory, payloadOffsetBytes, payloadBytes } = state.bitmap;
  const payload = memory.subarray(payloadOffsetBytes, payloadOffsetBytes + payloadBytes);
  const stamp = new Uint32Array(memory.buffer, payloadOffsetBytes, 2);
  stamp[0] = ++state.writesStarted;
  stamp[1] = state.slot;
  let reachedAll = true;
  for (let done = 0; done < lengthBytes; done += payloadBytes) {
    const piece = payload.subarray(0, Math.min(payloadBytes, lengthBytes - done));
    reachedAll = writeData(state, offsetBytes + done, piece) && reachedAll;
  }
  return reachedAll;
}
