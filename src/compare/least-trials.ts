/**
 * How many trials the U test needs before it can show anything at all: the two samples lie entirely apart in 2 of the C(n + m, n)
 * equally likely splits, and that share is the smallest p-value there is.
 */

/** The smallest two-sided p-value that samples of these sizes can give, without ties. */
export function smallestP(n: number, m: number): number {
  let p = 2;
  for (let k = 1; k <= n; k++) p *= k / (m + k);
  return Math.min(1, p);
}

/**
 * Trials a side below which nothing can be shown: Holm asks the smallest of `hypotheses` p-values for alpha ÷ hypotheses.
 * @param otherSide trials of the other side where those are given, else as many
 */
export function leastTrials(hypotheses: number, alpha: number, otherSide?: number): number {
  const wanted = alpha / Math.max(1, hypotheses);
  let n = 1;
  while (smallestP(n, otherSide ?? n) > wanted) n++;
  return n;
}
