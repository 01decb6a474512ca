/**
 * Sizes and times as the command line takes them: `64K`, `4M`, `1T` are powers of 1024; `500ms`, `2s`,
 * `30min`, `2h`.
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
const TIME_UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };
const REMEDY = "Sizes are written 64K, 4M or 1T (powers of 1024), times 500ms, 2s, 30min or 2h.";

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
  const match = /^(\d+(?:\.\d+)?)(ms|s|min|h)$/.exec(text.trim());
  const ms = Number(match?.[1]) * (TIME_UNIT_MS[match?.[2] ?? ""] ?? Number.NaN);
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
