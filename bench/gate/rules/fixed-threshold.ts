/** What many pipelines do by hand: means that differ by more than a tenth. */
import { type Rule, worseOrBetter } from "./rule.js";

const THRESHOLD = 0.1;

export const fixedThresholdRule: Rule = {
  name: "10 % on means",
  source: "no test: mean of HEAD against mean of BASE",
  judge: (pairs) =>
    pairs.map((pair) => {
      const change = mean(pair.head) / mean(pair.base) - 1;
      return Math.abs(change) > THRESHOLD ? worseOrBetter(pair, change > 0) : null;
    }),
};

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
