/** Samples of several sides in turn, so that what the machine does meanwhile meets all of them. */

/** What a side took for one sample. */
export interface Cost {
  /** Writes, or whatever is counted, a second. */
  readonly perSecond: number;
  /** Of the process or thread that wrote, for each of them. */
  readonly cpuNsEach: number;
}

/**
 * Every side once a round. The order goes through all permutations, so that each side comes first, and behind each other, equally
 * often.
 * @returns rounds of one value a side, in the order of `sides`
 */
export async function interleave<T>(
  rounds: number,
  sides: readonly ((round: number) => T | Promise<T>)[],
): Promise<T[][]> {
  const orders = permutations(sides.map((_, side) => side));
  const samples: T[][] = [];
  for (let round = 0; round < rounds; round++) {
    const values: T[] = [];
    for (const side of orders[round % orders.length] ?? []) {
      const sample = sides[side];
      if (sample !== undefined) values[side] = await sample(round);
    }
    samples.push(values);
  }
  return samples;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first) =>
    permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}
