/** What the main thread asks of a node for one trial, and what the node answers. Both are copied between threads. */
import type { ErrorKind } from "../errors.js";
import type { SlotGeometry } from "../ondisk/slot-geometry.js";
import type { MarkedMember } from "../storage/degraded-superblocks.js";
import type { Durability, PageIo } from "../storage/page-writer.js";
import type { ClusterEvent } from "./cluster-event.js";
import type { Rhythm } from "./steadiness.js";
import type { WritesTask } from "./write-source.js";

/** A member that the array has when the trial begins. */
export interface TaskMember extends MarkedMember {
  readonly dataOffsetBytes: number;
}

export interface NodeTask {
  readonly slot: number;
  readonly geometry: SlotGeometry;
  readonly members: readonly TaskMember[];
  /** The array's event count. */
  readonly events: number;
  /** It lacks a member from the beginning. */
  readonly degraded: boolean;
  readonly writes: WritesTask;
  /** Writes that the node submits together; in open loop of a trace the most. */
  readonly plug: number;
  /** Data writes in flight at once on a member; 0: all of a plug's. */
  readonly depth: number;
  readonly bitmap: boolean;
  readonly phase: "cold" | "steady";
  readonly io: PageIo;
  readonly durability: Durability;
  readonly dataSync: boolean;
  readonly daemonSleepNs: number;
  readonly warmupNs: number;
  /** A node whose bits have not settled by then is measured all the same, as `notSteady`. */
  readonly settleLimitNs: number;
  /** Page writes are to be reported one by one. */
  readonly traced: boolean;
  readonly control: SharedArrayBuffer;
}

/** A member that failed in the middle, told by the node that saw it first. */
export interface FailedMember {
  /** Index among the task's members. */
  readonly member: number;
  readonly message: string;
}

export interface NodeMeasurement {
  readonly slot: number;
  readonly writes: number;
  readonly durationNs: number;
  readonly plugs: number;
  /** Plugs that had to write a bitmap page first. */
  readonly unplugs: number;
  readonly pageWrites: { readonly unplug: number; readonly daemon: number };
  readonly dirtyBytes: { readonly mean: number; readonly maximum: number };
  readonly passes: number;
  readonly rhythmAtStart: Rhythm;
  readonly rhythmAtEnd: Rhythm;
  /** Open loop: how late the last write was started, against its intended time. */
  readonly finalDelayNs: number;
  /** Encoded HDR histograms; absent where nothing was counted. */
  readonly writeLatency: string;
  readonly serviceLatency: string | null;
  readonly unplugLatency: string | null;
  readonly directIo: boolean;
  readonly mapsEachWrite: boolean;
  readonly failedMembers: readonly FailedMember[];
  /** The array's event count as this node knows it in the end. */
  readonly arrayEvents: number;
  /** Page writes of the measured interval and failures of members, where they were asked for. */
  readonly events: readonly ClusterEvent[];
  /** Page writes beyond what a trace holds. */
  readonly eventsDropped: number;
}

export type NodeAnswer =
  | { readonly outcome: "measured"; readonly measurement: NodeMeasurement }
  | { readonly outcome: "stopped" }
  | { readonly outcome: "failed"; readonly error: NodeError };

/** A SlotmarkError in a form that survives the way between threads. */
export interface NodeError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Of a `MemberFailed`. */
  readonly memberPath?: string;
}
