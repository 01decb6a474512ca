/**
 * A table from which both generators draw zipf-distributed ranks: bucket by the alias method (Vose 1991), then evenly inside the
 * bucket. Ranks up to 2048 have a bucket each; the rest share 2048 buckets whose bounds grow geometrically, under 1 % wide
 * even for 2^35 ranks, so that a bucket's inside is as good as even.
 */
export const ZIPF_BUCKETS = 4096;
/** u32 threshold, u32 alias, f64 first rank, f64 size of every bucket. */
export const ZIPF_TABLE_BYTES = ZIPF_BUCKETS * 24;
/** A draw's upper 12 bits choose the bucket, these lower ones are compared with its threshold. */
export const COIN_BITS = 20;

const SINGLE_RANKS = 2048;

export interface ZipfTable {
  /** A coin at or above this goes to the alias. */
  readonly threshold: Uint32Array;
  readonly alias: Uint32Array;
  /** First rank of the bucket, from 0. */
  readonly first: Float64Array;
  /** Ranks in the bucket. */
  readonly size: Float64Array;
}

/** Ranks 0 to `ranks` - 1, the r-th with a probability in proportion to (r + 1)^-theta. */
export function zipfTable(ranks: number, theta: number): ZipfTable {
  const first = new Float64Array(ZIPF_BUCKETS);
  const size = new Float64Array(ZIPF_BUCKETS);
  const weight = new Float64Array(ZIPF_BUCKETS);
  for (let bucket = 0; bucket < ZIPF_BUCKETS; bucket++) {
    const from = bucketStart(bucket, ranks);
    const to = bucketStart(bucket + 1, ranks);
    first[bucket] = from;
    size[bucket] = to - from;
    if (to - from === 1) weight[bucket] = (from + 1) ** -theta;
    else if (to > from) weight[bucket] = integral(from + 0.5, to + 0.5, theta);
  }
  return { ...aliases(weight), first, size };
}

function bucketStart(bucket: number, ranks: number): number {
  if (ranks <= ZIPF_BUCKETS) return Math.min(bucket, ranks);
  if (bucket <= SINGLE_RANKS) return bucket;
  const growth = (ranks / SINGLE_RANKS) ** ((bucket - SINGLE_RANKS) / (ZIPF_BUCKETS - SINGLE_RANKS));
  return Math.min(Math.round(SINGLE_RANKS * growth), ranks);
}

/** Of x^-theta. */
function integral(from: number, to: number, theta: number): number {
  if (theta === 1) return Math.log(to / from);
  return (to ** (1 - theta) - from ** (1 - theta)) / (1 - theta);
}

function aliases(weight: Float64Array): { threshold: Uint32Array; alias: Uint32Array } {
  const total = weight.reduce((sum, w) => sum + w, 0);
  const scaled = weight.map((w) => (w * ZIPF_BUCKETS) / total);
  const threshold = new Uint32Array(ZIPF_BUCKETS).fill(2 ** COIN_BITS);
  const alias = Uint32Array.from({ length: ZIPF_BUCKETS }, (_, bucket) => bucket);
  const small: number[] = [];
  const large: number[] = [];
  scaled.forEach((w, bucket) => {
    (w < 1 ? small : large).push(bucket);
  });
  for (
    let low = small.pop(), high = large.pop();
    low !== undefined && high !== undefined;
    low = small.pop()
  ) {
    const weightOfLow = scaled[low] ?? 0;
    threshold[low] = Math.round(weightOfLow * 2 ** COIN_BITS);
    alias[low] = high;
    const left = (scaled[high] ?? 0) + weightOfLow - 1;
    scaled[high] = left;
    if (left < 1) {
      small.push(high);
      high = large.pop();
    }
  }
  return { threshold, alias };
}
