/** A metric has one unit and one direction, in all trials of both sides: else its figures are no samples of one thing. */
import { SlotmarkError } from "../errors.js";
import type { Metric, Result } from "../results/schema.js";

interface Named {
  readonly name: string;
  readonly result: Pick<Result, "trials">;
}

interface Seen {
  readonly metric: Metric;
  readonly where: string;
}

/** @throws SlotmarkError `units-differ` (input), naming metric, files and trials */
export function refuseDifferentUnits(base: Named, head: Named): void {
  const seen = new Map<string, Seen>();
  for (const { name, result } of [base, head]) {
    for (const { id, metrics } of result.trials) {
      for (const [metricName, metric] of Object.entries(metrics)) {
        const where = `${name}, trial ${id}`;
        const first = seen.get(metricName);
        if (first === undefined) seen.set(metricName, { metric, where });
        else refuseDifferent(metricName, first, { metric, where });
      }
    }
  }
}

function refuseDifferent(metricName: string, first: Seen, other: Seen): void {
  for (const field of ["unit", "direction"] as const) {
    const [one, two] = [first.metric[field], other.metric[field]];
    if (one === two) continue;
    throw new SlotmarkError(
      "input",
      "units-differ",
      `${metricName} has ${field} ${JSON.stringify(one)} in ${first.where} and ${JSON.stringify(two)} in ${other.where}`,
      "Compare results that measured it alike; versions of slotmark may have named it differently.",
    );
  }
}
