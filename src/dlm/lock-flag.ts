/**
 * Flags of lock operations by name; values as in `linux/dlmconstants.h` (`DLM_LKF_*`).
 */
import { LockError } from "./lock-error.js";

export const LOCK_FLAGS = {
  /** Complete with EAGAIN instead of waiting. */
  NOQUEUE: 0x1,
  CANCEL: 0x2,
  CONVERT: 0x4,
  /** Move the value block; implied where one is passed. */
  VALBLK: 0x8,
  /** A conversion goes behind those that wait already. */
  QUECVT: 0x10,
  /** Mark the value block invalid where it would be written. */
  IVVALBLK: 0x20,
  /** Resolve a conversion deadlock by demoting this lock to NL. */
  CONVDEADLK: 0x40,
  PERSISTENT: 0x80,
  /** Wait in spite of a conversion deadlock. */
  NODLCKWT: 0x100,
  /** Grant a new NL request whatever waits. */
  EXPEDITE: 0x400,
  /** Blocking callbacks to the holders even where NOQUEUE fails. */
  NOQUEUEBAST: 0x800,
  /** Queue at the head instead of the tail. */
  HEADQUE: 0x1000,
  /** Grant out of order as soon as it is compatible. */
  NOORDER: 0x2000,
  ORPHAN: 0x4000,
  /** Where the mode cannot be granted, try PR. */
  ALTPR: 0x8000,
  /** Where the mode cannot be granted, try CW. */
  ALTCW: 0x10000,
  /** Unlock a lock that waits, too. */
  FORCEUNLOCK: 0x20000,
} as const;

export type LockFlag = keyof typeof LOCK_FLAGS;

const isLockFlag = (name: string): name is LockFlag => Object.hasOwn(LOCK_FLAGS, name);
const LOCK_FLAG_NAMES = Object.keys(LOCK_FLAGS).filter(isLockFlag);

/** @throws LockError `dlm-unknown-flag` (EINVAL) */
export function flagBits(flags: readonly LockFlag[]): number {
  let bits = 0;
  for (const flag of flags) {
    if (!Object.hasOwn(LOCK_FLAGS, flag)) {
      throw new LockError(
        "EINVAL",
        "dlm-unknown-flag",
        `no such lock flag: ${JSON.stringify(flag)}`,
        `Use one of ${Object.keys(LOCK_FLAGS).join(", ")}.`,
      );
    }
    bits |= LOCK_FLAGS[flag];
  }
  return bits;
}

/** The flags set in `bits`, by name, in the order of their values. */
export function flagsOf(bits: number): LockFlag[] {
  return LOCK_FLAG_NAMES.filter((flag) => (bits & LOCK_FLAGS[flag]) !== 0);
}
