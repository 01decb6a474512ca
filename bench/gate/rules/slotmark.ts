/** The verdicts of `slotmark compare` and `slotmark ab`, by the very functions that they call. */
import { DEFAULT_ALPHA } from "../../../src/compare/compare-results.js";
import { judgeFigures } from "../../../src/compare/compared-figure.js";
import type { Calibration } from "../../../src/results/calibration.js";
import type { Rule } from "./rule.js";

export function slotmarkRule(calibration: Pick<Calibration, "floors">): Rule {
  return {
    name: "slotmark compare",
    source: "src/compare/verdict.ts",
    judge: (pairs) =>
      judgeFigures(pairs, { alpha: DEFAULT_ALPHA, thresholdPercent: null, calibration }).map(({ verdict }) =>
        verdict === "regressed" || verdict === "improved" ? verdict : null,
      ),
  };
}

/** The same functions, on samples that belong together by round. */
export function slotmarkAbRule(calibration: Pick<Calibration, "floors">): Rule {
  return { ...slotmarkRule(calibration), name: "slotmark ab", byRounds: true };
}
