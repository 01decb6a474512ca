/** Writes a second over the time of a run, trial by trial: whether the machine drifted while it was measured. */
import type { Trial } from "../../results/schema.js";
import { groupBy } from "../model/group-by.js";
import type { Machine } from "../model/machine-list.js";
import { isBitmapTrial } from "../model/table-definitions.js";
import type { ChartPoint, ChartSeries, ChartSpec } from "./chart-spec.js";
import { seriesName, seriesStyle } from "./series-style.js";

const VARIANTS = [
  ["on", "with bitmap"],
  ["off", "without bitmap"],
] as const;
/** Runs that get a picture: the first machines’. */
const MOST_PICTURES = 3;

/** A picture a machine: its run's own clock is the axis. */
export function throughputCharts(machines: readonly Machine[]): ChartSpec[] {
  return machines
    .flatMap((machine, index) => {
      const trials = machine.trials.filter(
        (one) => isBitmapTrial(one) && one.metrics.write_iops !== undefined,
      );
      const suites = [...groupBy(trials, ({ suite }) => suite)];
      return suites.map(([suite, ofSuite]) => chartOf(machine, index, suite, ofSuite));
    })
    .slice(0, MOST_PICTURES)
    .map((chart, index) => ({ ...chart, id: `throughput-${index + 1}` }));
}

function chartOf(machine: Machine, index: number, suite: string, trials: readonly Trial[]): ChartSpec {
  const beginMs = Math.min(...trials.map(({ startedAt }) => Date.parse(startedAt)));
  return {
    id: "",
    title: "Throughput over the time of the run",
    conditions: `${machine.name}, suite ${suite}`,
    reading:
      "Each stroke is a trial, as long as it lasted, with a tick below where it began. Strokes of one variant on a slope mean that the machine changed while it was measured.",
    x: { label: "Time since the run began", unit: "seconds", scale: "linear" },
    y: { label: "Writes a second, whole cluster", unit: "writes/s", scale: "linear" },
    series: VARIANTS.flatMap(([bitmap, variant], place): ChartSeries[] => {
      const own = trials.filter(({ labels }) => labels.bitmap === bitmap);
      if (own.length === 0) return [];
      const points = own
        .map((trial): [ChartPoint, number] => [
          [(Date.parse(trial.startedAt) - beginMs) / 1000, trial.metrics.write_iops?.value ?? 0],
          trial.durationNs / 1e9,
        ])
        .sort(([a], [b]) => a[0] - b[0]);
      return [
        {
          name: seriesName(machine.name, variant, 1),
          machine: index,
          ...seriesStyle(0, place, 1),
          points: points.map(([point]) => point),
          spans: points.map(([, seconds]) => seconds),
        },
      ];
    }),
  };
}
