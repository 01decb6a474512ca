/** What a check of an array's consistency is asked, and what it finds. */
import type { MemberSource } from "./member-source.js";

export interface ConsistencyRequest {
  readonly members: readonly MemberSource[];
  /** Slots whose bits may be set. Default: none. */
  readonly heldSlots?: readonly number[] | undefined;
  /** Told how far the data has been compared. */
  readonly onProgress?: ((doneSectors: number, allSectors: number) => void) | undefined;
  /** Ends the check between two reads; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * `code`: of the field's check where a superblock or slot is invalid; `different-arrays`, `inconsistent`,
 * `superblock-behind`, `superblocks-disagree`, `clean-chunk-differs`, `bits-left-set`.
 */
export interface Violation {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly slot?: number;
  /** How many chunks it concerns, and the first of their ranges (inclusive). */
  readonly chunks?: number;
  readonly ranges?: readonly (readonly [first: number, last: number])[];
}

export interface Consistency {
  readonly violations: readonly Violation[];
  /** What could not be checked, and what is set or behind for a reason. */
  readonly notes: readonly string[];
}

/** What is being collected. */
export interface ConsistencyFindings {
  readonly violations: Violation[];
  readonly notes: string[];
}
