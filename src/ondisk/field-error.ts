/** The error of a field on disk that is not as it must be: member, field, byte offset, found, expected. */
import { SlotmarkError } from "../errors.js";

/** Where a superblock was read from; makes byte offsets absolute. */
export interface Origin {
  readonly member: string;
  /** Byte offset of the superblock on the member. */
  readonly offsetBytes: number;
}

export interface FieldFault {
  readonly code: string;
  /** The field's name in the kernel's md_p.h and bitmap headers. */
  readonly field: string;
  /** Byte offset of the field within its superblock. */
  readonly at: number;
  readonly found: string;
  readonly expected: string;
  /** What the field belongs to, for example `md superblock` or `bitmap superblock of slot 1`. */
  readonly where: string;
  readonly remedy?: string;
}

export function fieldError(origin: Origin, fault: FieldFault): SlotmarkError {
  return new SlotmarkError(
    "input",
    fault.code,
    `${origin.member}: ${fault.where}: ${fault.field} at byte ${origin.offsetBytes + fault.at} is ${fault.found}, expected ${fault.expected}`,
    fault.remedy ??
      "name a member of a clustered md array whose metadata is whole, or make one with slotmark create",
  );
}

export function hex(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
