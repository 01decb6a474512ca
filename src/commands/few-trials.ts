/** Said before a run rather than after it: that so few trials can never show a change, whatever they measure. */
import { DEFAULT_ALPHA } from "../compare/compare-results.js";
import { leastTrials } from "../compare/least-trials.js";
import { DEFAULT_METRICS } from "../compare/metric-figures.js";
import type { Scenario } from "../scenario/schema.js";
import { suites } from "../scenario/suites.js";

/** Without a bitmap there is nothing to unplug. */
const WITHOUT_BITMAP = DEFAULT_METRICS.filter((metric) => !metric.startsWith("unplug_")).length;
/** Of a trial; of pairs half have a bitmap. */
const METRICS_OF = {
  paired: (DEFAULT_METRICS.length + WITHOUT_BITMAP) / 2,
  on: DEFAULT_METRICS.length,
  off: WITHOUT_BITMAP,
} as const;

/**
 * @param trialCounts of each scenario its trials in all
 * @returns sentences; none for suites that are not meant to decide anything
 */
export function fewTrialsNotices(scenarios: readonly Scenario[], trialCounts: readonly number[]): string[] {
  return scenarios.flatMap((scenario, index) => {
    if (suites.get(scenario.suite)?.forGating === false) return [];
    const hypotheses = hypothesesOf(scenario, (trialCounts[index] ?? 0) / scenario.trials);
    const needed = leastTrials(hypotheses, DEFAULT_ALPHA);
    if (scenario.trials >= needed) return [];
    const figures = hypotheses === 1 ? "a single figure" : `the ${hypotheses} figures of this run`;
    return [
      `${scenario.suite}: with --trials ${scenario.trials} \`slotmark compare\` can never show a change; for ${figures} it needs ${needed} or more on both sides.`,
    ];
  });
}

/** As `compare` counts them by default; where it has none of its own, one at least will be named. */
function hypothesesOf(scenario: Scenario, configurations: number): number {
  if (scenario.kind !== "bitmap") return 1;
  return Math.max(1, Math.round(configurations * METRICS_OF[scenario.bitmap]));
}
