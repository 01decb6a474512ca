/** The exact upper bound of a share (Clopper and Pearson 1934): the largest that leaves so few findings likely enough. */

/** @returns the upper end of the one-sided interval, for `found` of `all` */
export function upperBoundOfShare(found: number, all: number, confidence = 0.95): number {
  if (found >= all) return 1;
  let low = found / all;
  let high = 1;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (probabilityUpTo(found, all, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** Of a binomial distribution. */
function probabilityUpTo(found: number, all: number, share: number): number {
  let logTerm = all * Math.log1p(-share);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= found; k++) {
    logTerm += Math.log((all - k + 1) / k) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(logTerm);
  }
  return sum;
}
