/**
 * Median of a few samples with a distribution-free confidence interval: the k-th smallest and k-th largest sample enclose the
 * population's median with probability 1 − 2·P(Binomial(n, ½) < k) (Conover, Practical Nonparametric Statistics, §3.2). With too few
 * samples for the wanted confidence the whole range is given together with the confidence that it does reach.
 */
export interface MedianInterval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Reached confidence, 0 to 1; one sample has none. */
  readonly confidence: number;
}

export function medianInterval(samples: readonly number[], wantedConfidence = 0.95): MedianInterval | null {
  const sorted = [...samples].sort((a, b) => a - b);
  const n = sorted.length;
  const middle = sorted[(n - 1) >> 1];
  const upperMiddle = sorted[n >> 1];
  if (middle === undefined || upperMiddle === undefined) return null;

  let rank = 0;
  let tail = 0.5 ** n;
  let confidence = 1 - 2 * tail;
  for (let k = 1, term = tail; k < n / 2; k++) {
    term = (term * (n - k + 1)) / k;
    tail += term;
    if (1 - 2 * tail < wantedConfidence) break;
    rank = k;
    confidence = 1 - 2 * tail;
  }
  return {
    median: midpoint(middle, upperMiddle),
    low: sorted[rank] ?? middle,
    high: sorted[n - 1 - rank] ?? middle,
    confidence: Math.max(0, confidence),
  };
}

/** Halves only after adding, but where the sum leaves the range of doubles: a subnormal halved first is lost. */
function midpoint(a: number, b: number): number {
  const sum = a + b;
  return Number.isFinite(sum) ? sum / 2 : a / 2 + b / 2;
}
