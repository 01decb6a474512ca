/**
 * The nine messages of md-cluster as they lie in the value block of `message`: values ⇄ 64 bytes, little-endian, 44 of
 * them used (spec §5.1; golden/dlm/LVB_messages.txt).
 */
import { SlotmarkError } from "../errors.js";
import { UUID_BYTES } from "../ondisk/uuid.js";

export const MESSAGE_BYTES = 64;

/** In the order of their numbers. */
export const MESSAGE_TYPES = [
  "METADATA_UPDATED",
  "RESYNCING",
  "NEWDISK",
  "REMOVE",
  "RE_ADD",
  "BITMAP_NEEDS_SYNC",
  "CHANGE_CAPACITY",
  "BITMAP_RESIZE",
  "RESYNCING_START",
] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

interface Sent {
  /** The sender's slot, from 0. */
  readonly slot: number;
}

/** METADATA_UPDATED: `raidSlot` is the number of a device whose superblock is good. */
export interface DeviceMessage extends Sent {
  readonly type: "METADATA_UPDATED" | "REMOVE" | "RE_ADD";
  /** The device's number in the array. */
  readonly raidSlot: number;
}

/** The range that the sender resyncs; 0 to 0: none any more. */
export interface ResyncingMessage extends Sent {
  readonly type: "RESYNCING";
  readonly lowSector: number;
  readonly highSector: number;
}

export interface NewDiskMessage extends Sent {
  readonly type: "NEWDISK";
  /** 16 bytes, as they lie in the superblock. */
  readonly deviceUuid: Uint8Array;
  readonly raidSlot: number;
}

export interface ResizeMessage extends Sent {
  readonly type: "BITMAP_RESIZE";
  /** The size that the bitmap is to cover. */
  readonly sizeSectors: number;
}

export interface PlainMessage extends Sent {
  readonly type: "BITMAP_NEEDS_SYNC" | "CHANGE_CAPACITY" | "RESYNCING_START";
}

export type ClusterMessage = DeviceMessage | ResyncingMessage | NewDiskMessage | ResizeMessage | PlainMessage;

const TYPE_OFFSET_BYTES = 0;
const SLOT_OFFSET_BYTES = 4;
const LOW_OFFSET_BYTES = 8;
const HIGH_OFFSET_BYTES = 16;
const UUID_OFFSET_BYTES = 24;
const RAID_SLOT_OFFSET_BYTES = 40;

export function encodeClusterMessage(message: ClusterMessage): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(TYPE_OFFSET_BYTES, MESSAGE_TYPES.indexOf(message.type), true);
  view.setUint32(SLOT_OFFSET_BYTES, message.slot, true);
  switch (message.type) {
    case "METADATA_UPDATED":
    case "REMOVE":
    case "RE_ADD":
      view.setUint32(RAID_SLOT_OFFSET_BYTES, message.raidSlot, true);
      break;
    case "RESYNCING":
      view.setBigUint64(LOW_OFFSET_BYTES, BigInt(message.lowSector), true);
      view.setBigUint64(HIGH_OFFSET_BYTES, BigInt(message.highSector), true);
      break;
    case "NEWDISK":
      bytes.set(message.deviceUuid.subarray(0, UUID_BYTES), UUID_OFFSET_BYTES);
      view.setUint32(RAID_SLOT_OFFSET_BYTES, message.raidSlot, true);
      break;
    case "BITMAP_RESIZE":
      view.setBigUint64(HIGH_OFFSET_BYTES, BigInt(message.sizeSectors), true);
      break;
    default:
      break;
  }
  return bytes;
}

/** @throws SlotmarkError `message-unknown`: no such type; md-cluster leaves such a message unacknowledged */
export function decodeClusterMessage(bytes: Uint8Array): ClusterMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const number = view.getUint32(TYPE_OFFSET_BYTES, true);
  const type = MESSAGE_TYPES[number];
  const slot = view.getUint32(SLOT_OFFSET_BYTES, true);
  switch (type) {
    case undefined:
      throw new SlotmarkError(
        "input",
        "message-unknown",
        `slot ${slot} sent a message of type ${number}, expected 0 to ${MESSAGE_TYPES.length - 1}`,
        "run the same version of slotmark on all nodes",
      );
    case "METADATA_UPDATED":
    case "REMOVE":
    case "RE_ADD":
      return { type, slot, raidSlot: view.getUint32(RAID_SLOT_OFFSET_BYTES, true) };
    case "RESYNCING":
      return {
        type,
        slot,
        lowSector: Number(view.getBigUint64(LOW_OFFSET_BYTES, true)),
        highSector: Number(view.getBigUint64(HIGH_OFFSET_BYTES, true)),
      };
    case "NEWDISK":
      return {
        type,
        slot,
        deviceUuid: bytes.slice(UUID_OFFSET_BYTES, UUID_OFFSET_BYTES + UUID_BYTES),
        raidSlot: view.getUint32(RAID_SLOT_OFFSET_BYTES, true),
      };
    case "BITMAP_RESIZE":
      return { type, slot, sizeSectors: Number(view.getBigUint64(HIGH_OFFSET_BYTES, true)) };
    default:
      return { type, slot };
  }
}
