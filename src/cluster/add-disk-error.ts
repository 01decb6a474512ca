/** Why a disk was not added, or an answer to its announcement not taken. */
import { SlotmarkError } from "../errors.js";

export class AddDiskError extends SlotmarkError {
  constructor(
    /** The kernel's error by name: ENOENT, EINVAL, EBUSY; ETIMEDOUT where it would be EBUSY after a time-out. */
    readonly errnoName: "ENOENT" | "EINVAL" | "EBUSY" | "ETIMEDOUT",
    code: string,
    message: string,
    remedy: string,
  ) {
    super("refused", code, `${errnoName}: ${message}`, remedy);
  }
}

/** md-cluster's "Spurious cluster confirmation". */
export function spurious(what: string): AddDiskError {
  return new AddDiskError(
    "EINVAL",
    "spurious-confirmation",
    `spurious cluster confirmation: ${what}`,
    "add the disk again; answer each announcement once, in time",
  );
}
