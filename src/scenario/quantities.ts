/**
 * Sizes and times as the command line takes them: `64K`, `4M`, `1T` are powers of 1024; `500ms`, `2s`.
 */
import { SlotmarkError } from "../errors.js";

const SIZE_UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
  P: 1024 ** 5,
};
const REMEDY = "Sizes are written 64K, 4M or 1T (powers of 1024), times 500ms or 2s.";

/**
 * @returns bytes, a positive integer up to 2^53 − 1
 * @throws SlotmarkError `size-invalid`
 */
export function parseSizeBytes(text: string): number {
  const match = /^(\d+)([KMGTP]?)$/i.exec(text.trim());
  const bytes = Number(match?.[1]) * (SIZE_UNIT_BYTES[match?.[2]?.toUpperCase() ?? ""] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new SlotmarkError("usage", "size-invalid", `"${text}" is not a size`, REMEDY);
  }
  return bytes;
}

/**
 * @returns milliseconds, a positive number, not necessarily whole
 * @throws SlotmarkError `time-invalid`
 */
export function parseTimeMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text.trim());
  const ms = Number(match?.[1]) * (match?.[2] === "s" ? 1000 : 1);
  if (!Number.isFinite(ms) || ms <= 0) {
    throw new SlotmarkError("usage", "time-invalid", `"${text}" is not a time`, REMEDY);
  }
  return ms;
}

/** `64K` for 65536, as the command line takes it; bytes that are no whole KiB stay a number. */
export function formatSize(bytes: number): string {
  const units = ["", "K", "M", "G", "T", "P"];
  let unit = 0;
  let rest = bytes;
  while (rest >= 1024 && rest % 1024 === 0 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${rest}${units[unit]}`;
}
