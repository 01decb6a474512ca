/** google/benchmark's compare.py as its documentation has it: a two-sided U test of the repetitions for each figure, alpha 0.05. */
import { rankTest } from "../../../src/compare/rank-test.js";
import { type Rule, worseOrBetter } from "./rule.js";

const ALPHA = 0.05;

export const googleBenchmarkRule: Rule = {
  name: "google/benchmark",
  source: "https://github.com/google/benchmark/blob/main/docs/tools.md",
  judge: (pairs) =>
    pairs.map((pair) => {
      const test = rankTest(pair.base, pair.head);
      return test === null || test.p >= ALPHA ? null : worseOrBetter(pair, test.lower < test.higher);
    }),
};
