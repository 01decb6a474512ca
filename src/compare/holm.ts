/**
 * Holm's step-down correction (Holm 1979): with it the probability of any false finding among several tests stays below alpha,
 * however the tests depend on each other. It never finds less than Bonferroni's.
 */

/** @returns the adjusted p-value of each, in the same order: a finding where it is at most alpha */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => (pValues[a] ?? 1) - (pValues[b] ?? 1));
  const adjusted = new Array<number>(pValues.length).fill(1);
  let largest = 0;
  order.forEach((index, place) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - place) * (pValues[index] ?? 1)));
    adjusted[index] = largest;
  });
  return adjusted;
}
