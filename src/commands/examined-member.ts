/** What `examine` has read of a member, before it is shown as text or JSON. */
import type { MemberMetadata } from "../storage/member-metadata.js";
import type { ChunkRanges } from "./chunk-ranges.js";

/** One slot's bits. */
export interface ExaminedSlot {
  readonly dirtyChunks: number;
  readonly ranges: ChunkRanges;
}

export interface ExaminedMember {
  readonly metadata: MemberMetadata;
  /** In order of the slots; empty where there is no bitmap. */
  readonly slots: readonly ExaminedSlot[];
}
