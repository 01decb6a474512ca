/**
 * Everything that can be observed of a node, as one stream: suites, traces and tests are fed by it. Times are
 * nanoseconds of CLOCK_MONOTONIC, which all threads of a machine share.
 */
import type { SendTimes } from "../dlm/channel.js";
import type { LockFlag } from "../dlm/lock-flag.js";
import type { LockMode } from "../dlm/lock-mode.js";
import type { MessageType } from "./message.js";

/** In the order of spec §4.2 and of the loading that follows. */
export type JoinStep =
  | "readSuperblocks"
  | "lockspace"
  | "channel"
  | "slotLock"
  | "readOwnSlot"
  | "resyncLock"
  | "gather"
  | "ready";

/** Why a bitmap page was written. `superblock`: page 0 by a bitmap superblock update. */
export type PageCause = "unplug" | "daemon" | "superblock" | "stop" | "recovery" | "newDisk";

/**
 * The ten steps of adding a disk (spec §6.2). The initiator's: `write` superblock and slots; `announce` NEWDISK, until all have
 * answered; `veto`, the attempt at no-new-dev; then `add` or `refuse`, both until METADATA_UPDATED is processed. A receiver's:
 * `event`, the user's hook; `search`; `confirm`, the device read and checked; `candidate`, bound, or refused; `learn`, from
 * METADATA_UPDATED to the device added or dropped.
 */
export type AddDiskStep =
  | "write"
  | "announce"
  | "event"
  | "search"
  | "confirm"
  | "candidate"
  | "veto"
  | "add"
  | "refuse"
  | "learn";

/**
 * Of the recovery of a dead node's slot, in the order of `safe`; mainline clears before it writes. `noticed`: heard of;
 * `slotLocked`: from there until the slot's lock was granted; `resynced`: from there until members are in line; `done`: all
 * of it since it was heard of. `gathered`: by a node that joins, in one. The others last as long as they say.
 */
export type RecoveryPhase =
  | "noticed"
  | "slotLocked"
  | "merged"
  | "ownPagesWritten"
  | "deadSlotCleared"
  | "resynced"
  | "done"
  | "gathered"
  | "failed";

/**
 * `lockTaken`: the wait for `resync` in EX. `announced`: a window, until every node keeps its writers out; 0 to 0 lets them
 * in again. The others are ends, with the time of the whole: `done`, `nowhere` (no member needs anything), `stopped`,
 * `memberLost`, `unreadable` (no member could be read), `failed` (the other nodes did not answer, or the array failed).
 */
export type ResyncPhase =
  | "lockTaken"
  | "announced"
  | "done"
  | "nowhere"
  | "stopped"
  | "memberLost"
  | "unreadable"
  | "failed";

export type ClusterOccurrence =
  | { readonly kind: "joinStep"; readonly step: JoinStep; readonly durationNs: number }
  /** md-cluster's own lock calls, by their resources; a slot's lock is `bitmapNNNN`. */
  | {
      readonly kind: "lockCall";
      readonly resource: string;
      readonly mode: LockMode;
      readonly flags: readonly LockFlag[];
      /** `sb_status`: 0 or a negative errno; null where nobody waited for the end. */
      readonly status: number | null;
      readonly durationNs: number;
    }
  /** A blocking callback: another node waits for `mode`. */
  | { readonly kind: "lockBlocked"; readonly resource: string; readonly mode: LockMode }
  | {
      readonly kind: "messageSent";
      readonly type: MessageType;
      readonly durationNs: number;
      readonly times: SendTimes;
    }
  | { readonly kind: "messageFailed"; readonly type: MessageType; readonly error: string }
  | {
      readonly kind: "messageReceived";
      readonly type: MessageType;
      readonly fromSlot: number;
      readonly durationNs: number;
    }
  | { readonly kind: "messageRefused"; readonly error: string }
  | { readonly kind: "tokenHeld"; readonly durationNs: number }
  | {
      readonly kind: "superblockWrite";
      readonly device: number;
      readonly events: number;
      readonly durationNs: number;
    }
  | {
      readonly kind: "pageWrite";
      readonly slot: number;
      readonly page: number;
      readonly lengthBytes: number;
      readonly cause: PageCause;
      readonly devices: readonly number[];
      readonly durationNs: number;
    }
  | {
      readonly kind: "writersSuspended";
      readonly bySlot: number;
      readonly lowSector: number;
      readonly highSector: number;
    }
  | { readonly kind: "writersResumed"; readonly bySlot: number; readonly durationNs: number }
  /** So many writes of a plug waited for the range of another node's resync to move on. */
  | { readonly kind: "writesStoodStill"; readonly writes: number; readonly durationNs: number }
  | { readonly kind: "memberFaulty"; readonly device: number; readonly by: "io" | "request" | "metadata" }
  | { readonly kind: "memberInSync"; readonly device: number }
  | { readonly kind: "memberRemoved"; readonly device: number }
  | {
      readonly kind: "addDisk";
      readonly step: AddDiskStep;
      /** The device's number in the array. */
      readonly device: number;
      readonly outcome: string;
      readonly durationNs: number;
    }
  /** An answer to no announcement; `device`: where it names one. */
  | {
      readonly kind: "spuriousAnswer";
      readonly device: number | null;
      readonly answer: "found" | "missing";
    }
  | {
      readonly kind: "recovery";
      readonly phase: RecoveryPhase;
      readonly deadSlot: number;
      /** Bits that were set in the slot. */
      readonly chunks: number;
      readonly durationNs: number;
    }
  | {
      readonly kind: "resync";
      readonly phase: ResyncPhase;
      readonly lowSector: number;
      readonly highSector: number;
      readonly durationNs: number;
    }
  /** This node has no member left that is in sync. */
  | { readonly kind: "arrayFailed"; readonly error: string }
  /** After another node's death the superblocks were read, and where they did not agree written again. */
  | { readonly kind: "metadataSettled"; readonly rewritten: boolean; readonly durationNs: number }
  | { readonly kind: "left" }
  | { readonly kind: "died" };

export type ClusterEvent = ClusterOccurrence & {
  /** The node's slot, from 0. */
  readonly node: number;
  /** Of the beginning, where it has a duration. */
  readonly atNs: number;
};
