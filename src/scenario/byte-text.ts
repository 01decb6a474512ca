/** Byte counts for people: powers of 1024, exact where whole, else two decimals. */
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

export function byteText(count: number): string {
  const power = Math.min(UNITS.length - 1, count > 0 ? Math.floor(Math.log2(count) / 10) : 0);
  const value = count / 1024 ** power;
  return `${Number.isInteger(value) ? value : value.toFixed(2)} ${UNITS[power]}`;
}
