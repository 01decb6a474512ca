/**
 * UUIDs as md keeps them: 16 raw bytes, written as 36 lower-case characters in that order (mdadm prints the same bytes
 * as four groups of eight digits).
 */
import { SlotmarkError } from "../errors.js";

export const UUID_BYTES = 16;

/** @param bytes the 16 bytes as they lie on disk */
export function uuidText(bytes: Uint8Array): string {
  const digits = Array.from(bytes.subarray(0, UUID_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join("-");
}

/**
 * Takes `8-4-4-4-12` and mdadm's `8:8:8:8` groups, either case.
 * @throws SlotmarkError `uuid-invalid`
 */
export function parseUuid(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}(?::[0-9a-f]{8}){3})$/i.test(text)) {
    throw new SlotmarkError(
      "usage",
      "uuid-invalid",
      `"${text}" is not a UUID`,
      "write it as 8-4-4-4-12 hexadecimal digits, as examine prints it, or as mdadm does (8:8:8:8)",
    );
  }
  const digits = text.replaceAll(/[-:]/g, "");
  return Uint8Array.from({ length: UUID_BYTES }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}
