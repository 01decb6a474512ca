/** The scale on which two figures have a ratio. */

/**
 * A tax of 0 % has no ratio to one of 1 %; what the writes cost has: 1.00 and 1.01.
 * @returns the figure itself, or for one in percent what it is added to
 */
export function ratioScale(unit: string, figure: number): number {
  return unit === "percent" ? 1 + figure / 100 : figure;
}
