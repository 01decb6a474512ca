/**
 * What a node does about members that fail in the middle of a trial, as md does (spec §3.3, §5.6): no node writes to them any more,
 * the superblocks of those that are left say so before the write ends that found out, and the array goes on degraded. Nodes of one
 * process need no message for that: they look at the memory that they share before each plug.
 */
import type { WasmBitmap } from "../bitmap/wasm.js";
import { SlotmarkError } from "../errors.js";
import { type MarkedMember, writeDegradedSuperblocks } from "../storage/degraded-superblocks.js";
import type { MemberFailed } from "../storage/device-error.js";
import type { MemberFailure, PageWriter } from "../storage/page-writer.js";
import type { Control } from "./control.js";
import type { FailedMember, NodeTask } from "./node-task.js";

export class FailedMembers {
  /** Those that this node saw first. */
  readonly reported: FailedMember[] = [];
  private known = 0;

  constructor(
    private readonly task: Pick<NodeTask, "slot" | "members" | "events" | "degraded">,
    private readonly bitmap: Pick<
      WasmBitmap,
      "pages" | "setArrayState" | "updateSuperblock" | "notePagesWritten"
    >,
    private readonly writer: PageWriter,
    private readonly control: Control,
  ) {}

  /** Whether a write misses a member. */
  get degraded(): boolean {
    return this.task.degraded || this.known > 0;
  }

  /** Device numbers of those that are left. */
  get writtenDevices(): number[] {
    return this.left.map(({ superblock }) => superblock.devNumber);
  }

  /** Takes over what other nodes found; waits while one of them still writes the superblocks. */
  follow(): void {
    if (this.control.failedMembers !== this.known) this.control.withMetadata(() => this.takeOver());
  }

  /**
   * Members returned errors to this node. Returns those that no other node has seen yet.
   * @throws SlotmarkError `array-failed` where no member is left: the last one stays what it is, as raid1 has it
   */
  failed(failures: readonly MemberFailure[]): FailedMember[] {
    return this.control.withMetadata(() => {
      this.takeOver();
      const seen: FailedMember[] = [];
      for (let unreported = failures; unreported.length > 0; unreported = this.writeMetadata()) {
        const before = seen.length;
        for (const { member, error } of unreported) {
          if (this.control.hasFailed(member)) continue;
          if (this.control.workingMembers === 1) throw arrayFailed(this.task.slot, error);
          this.control.markFailed(member);
          seen.push({ member, message: error.message });
        }
        if (seen.length === before) break;
        this.control.countMetadataUpdate();
        this.takeOver();
      }
      this.reported.push(...seen);
      return seen;
    });
  }

  get arrayEvents(): number {
    return this.task.events + this.control.metadataUpdates;
  }

  private get left(): MarkedMember[] {
    return this.task.members.filter((_, member) => !this.control.hasFailed(member));
  }

  private takeOver(): void {
    if (this.control.failedMembers === this.known) return;
    this.known = this.control.failedMembers;
    for (const member of this.task.members.keys()) {
      if (this.control.hasFailed(member)) this.writer.giveUp(member);
    }
    this.bitmap.setArrayState({ events: this.arrayEvents, degraded: true });
  }

  /** The own bitmap superblock, then the md superblocks of all that are left; returns the members that fail at it. */
  private writeMetadata(): readonly MemberFailure[] {
    const { bitmap, control, task } = this;
    const failures = this.writer.writePages(bitmap.pages, bitmap.updateSuperblock());
    bitmap.notePagesWritten(1);
    if (failures.length > 0) return failures;
    const left = [...task.members.keys()].filter((member) => !control.hasFailed(member));
    const lost = task.members
      .filter((_, member) => control.hasFailed(member))
      .map(({ superblock }) => superblock.devNumber);
    return writeDegradedSuperblocks(this.left, lost, this.arrayEvents).map(({ index, error }) => ({
      member: left[index] ?? index,
      error,
    }));
  }
}

function arrayFailed(slot: number, cause: MemberFailed): SlotmarkError {
  return new SlotmarkError(
    "device",
    "array-failed",
    `array failed on the node of slot ${slot}: its last member failed: ${cause.message}`,
    cause.remedy,
  );
}
