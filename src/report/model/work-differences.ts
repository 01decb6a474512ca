/** In what two machines' results of a suite differ besides the machine: their ratio is marked where it stands. Runs in the page as well. */

export interface WorkFacts {
  /** What was done and how, by name; null: not known. */
  readonly facts: readonly (readonly [name: string, value: string | null])[];
  /** What else the machine did when the run began; null: nothing. */
  readonly disturbance: string | null;
}

/** @returns one text a difference, such as `io uring against psync`; empty: like with like */
export function workDifferences(base: WorkFacts, other: WorkFacts): string[] {
  const values = new Map(base.facts);
  const differing = other.facts.flatMap(([name, value]) => {
    const before = values.get(name) ?? null;
    return before === value ? [] : [`${name} ${value ?? "not shown"} against ${before ?? "not shown"}`];
  });
  const disturbed = [
    other.disturbance === null ? [] : [`it ${other.disturbance}`],
    base.disturbance === null ? [] : [`the baseline ${base.disturbance}`],
  ];
  return [...differing, ...disturbed.flat()];
}
