/**
 * How a trial says that its array lacked a member, by labels, so that no figure of it is mixed with those of whole arrays: `degraded`
 * where it did at any time, `failedMember` and `failure` where a member failed since the trial before, so that its figures are of two
 * kinds of array.
 */
import type { TrialRecord } from "./trial-record.js";

export interface LostMember {
  readonly path: string;
  /** What it returned: names member, offset and errno. */
  readonly message: string;
}

export function degradedLabels(degraded: boolean, lost: readonly LostMember[]): TrialRecord["labels"] {
  return {
    ...(degraded || lost.length > 0 ? { degraded: true } : {}),
    ...(lost.length === 0
      ? {}
      : {
          failedMember: lost.map(({ path }) => path).join(", "),
          failure: lost.map(({ message }) => message).join("; "),
        }),
  };
}

/** Whether the array was the same from the beginning to the end of both. */
export function sameArray(one: TrialRecord, other: TrialRecord): boolean {
  const failed = [one, other].some(({ labels }) => labels.failedMember !== undefined);
  return !failed && one.labels.degraded === other.labels.degraded;
}
