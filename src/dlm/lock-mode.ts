/**
 * The six lock modes by the names of the field; numbers as in `linux/dlmconstants.h`.
 */
import { LockError } from "./lock-error.js";

export const LOCK_MODES = ["NL", "CR", "CW", "PR", "PW", "EX"] as const;

/** NL null, CR concurrent read, CW concurrent write, PR protected read, PW protected write, EX exclusive. */
export type LockMode = (typeof LOCK_MODES)[number];

/** @throws LockError `dlm-unknown-mode` (EINVAL) */
export function modeNumber(mode: LockMode): number {
  const number = LOCK_MODES.indexOf(mode);
  if (number < 0) {
    throw new LockError(
      "EINVAL",
      "dlm-unknown-mode",
      `no such lock mode: ${JSON.stringify(mode)}`,
      `Use one of ${LOCK_MODES.join(", ")}.`,
    );
  }
  return number;
}

/** The mode of a number of the lock manager's; null for −1, no lock at all. */
export function modeOf(number: number): LockMode | null {
  return LOCK_MODES[number] ?? null;
}
