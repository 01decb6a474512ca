/**
 * What a node does on each message before it acknowledges it (spec §5.1). A handler that throws leaves the message
 * unacknowledged, as does a type that has no handler: the sender then runs into its time-out.
 */
import { monotonicNs } from "../storage/monotonic.js";
import { changeCapacity } from "./grow.js";
import { type ClusterMessage, decodeClusterMessage, type MessageType } from "./message.js";
import { receiveMetadata, receiveNewDisk } from "./new-disk.js";
import type { NodeState } from "./node-state.js";
import { receiveReAdd } from "./re-add.js";
import { receiveRemoval } from "./remove-device.js";
import { resizeBitmap } from "./resize-bitmap.js";

export type MessageOf<T extends MessageType> = Extract<ClusterMessage, { readonly type: T }> & {
  readonly type: T;
};
type Handler<T extends MessageType> = (state: NodeState, message: MessageOf<T>) => void | Promise<void>;

const HANDLERS: { readonly [T in MessageType]: Handler<T> } = {
  METADATA_UPDATED: (state, { raidSlot }) => receiveMetadata(state, raidSlot),
  NEWDISK: receiveNewDisk,
  BITMAP_RESIZE: (state, { sizeSectors }) => resizeBitmap(state, sizeSectors),
  CHANGE_CAPACITY: (state) => changeCapacity(state),
  REMOVE: (state, { raidSlot }) => receiveRemoval(state, raidSlot),
  RE_ADD: (state, { raidSlot }) => receiveReAdd(state, raidSlot),
  RESYNCING: (state, { slot, lowSector, highSector }) => {
    const nowNs = monotonicNs();
    if (highSector > 0) {
      // Heard late, after its sender's death: nobody would end it, for its slot may be recovered by now.
      if (!state.lockspace.members().some((member) => member.slot === slot + 1)) return;
      state.suspended.suspend(slot, lowSector, highSector, nowNs);
      state.tell({ kind: "writersSuspended", bySlot: slot, lowSector, highSector }, nowNs);
      return;
    }
    resumeWriters(state, slot);
    state.sync.wake();
  },
  // Only a node that waits to see a new member's rebuild begin takes anything from it.
  RESYNCING_START: () => {},
  BITMAP_NEEDS_SYNC: (state, { slot }) => state.recovery.ownerLeaves(slot),
};

/** Ends what a slot has suspended: it is done, or gone. */
export function resumeWriters(state: NodeState, slot: number): void {
  const sinceNs = state.suspended.resume(slot);
  if (sinceNs === null) return;
  state.tell({ kind: "writersResumed", bySlot: slot, durationNs: monotonicNs() - sinceNs }, sinceNs);
}

/** Processes a payload once the node has loaded everything. @throws what the handler throws; `message-unknown` */
export async function receiveMessage(state: NodeState, payload: Uint8Array): Promise<void> {
  await state.ready;
  const message = decodeClusterMessage(payload);
  const atNs = monotonicNs();
  const { type, slot: fromSlot } = message;
  await handle(state, message);
  state.tell({ kind: "messageReceived", type, fromSlot, durationNs: monotonicNs() - atNs }, atNs);
}

async function handle<T extends MessageType>(state: NodeState, message: MessageOf<T>): Promise<void> {
  const handler: Handler<T> = HANDLERS[message.type];
  await handler(state, message);
}
