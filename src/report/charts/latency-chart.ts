/** Latencies by percentile, up to p99.99: what a typical write takes, and what the unlucky ones do. */
import type { Trial } from "../../results/schema.js";
import { groupBy } from "../model/group-by.js";
import type { Machine } from "../model/machine-list.js";
import { percentileCurve } from "../model/percentile-curve.js";
import { isBitmapTrial } from "../model/table-definitions.js";
import { describeLabels } from "../trial-groups.js";
import type { ChartSeries, ChartSpec } from "./chart-spec.js";
import { seriesName, seriesStyle } from "./series-style.js";

const READING =
  "All trials’ writes together. Read upwards from a percentile: so many percent of the writes took no longer. To the right each step has a tenth of the writes of the one before.";
const NOT_CONDITIONS: ReadonlySet<string> = new Set(["bitmap", "plannedPhase", "ratePerSecond"]);
/** Points of a matrix that get a picture; a sweep over many would be a flood, and its tables have them all. */
const MOST_PICTURES = 4;
const VARIANTS = [
  ["on", "with bitmap"],
  ["off", "without bitmap"],
] as const;

export function latencyCharts(machines: readonly Machine[]): ChartSpec[] {
  const placed = machines.flatMap(({ trials, phaseOf }, machine) => {
    return trials
      .filter((trial) => isBitmapTrial(trial) && trial.histograms.write_latency_ns !== undefined)
      .map((trial) => ({ machine, trial, key: `${phaseOf(trial)}, ${conditionsOf(trial)}` }));
  });
  const pictures = [...groupBy(placed, ({ key }) => key)].sort(
    ([first, a], [second, b]) => worth(second, b) - worth(first, a),
  );
  return pictures.slice(0, MOST_PICTURES).map(([conditions, group], index) => ({
    id: `write-latency-${index + 1}`,
    title: "Write latency by percentile",
    conditions,
    reading: READING,
    x: { label: "Percentile of writes", unit: "percentile", scale: "percentile" },
    y: { label: "Latency of a write", unit: "ns", scale: "log" },
    series: seriesOf(machines, group),
  }));
}

function conditionsOf({ labels }: Trial): string {
  return describeLabels(
    Object.fromEntries(Object.entries(labels).filter(([name]) => !NOT_CONDITIONS.has(name))),
  );
}

/** First what several machines have, then what has a twin to compare with, then what had settled. */
function worth(conditions: string, group: readonly Placed[]): number {
  const phases = ["notSteady", "cold", "hot", "steady"];
  const machines = new Set(group.map(({ machine }) => machine)).size;
  const twins = new Set(group.map(({ trial }) => trial.labels.bitmap)).size;
  return machines * 100 + twins * 10 + phases.findIndex((phase) => conditions.startsWith(phase));
}

interface Placed {
  readonly machine: number;
  readonly trial: Trial;
}

function seriesOf(machines: readonly Machine[], group: readonly Placed[]): ChartSeries[] {
  return [...groupBy(group, ({ machine }) => machine)].flatMap(([index, ofMachine]) =>
    VARIANTS.flatMap(([bitmap, variant], place): ChartSeries[] => {
      const machine = machines[index];
      const trials = ofMachine.map(({ trial }) => trial).filter(({ labels }) => labels.bitmap === bitmap);
      const points = machine === undefined ? null : percentileCurve(machine, trials, "write_latency_ns");
      if (points === null) return [];
      return [
        {
          name: seriesName(machine?.name ?? "", variant, machines.length),
          machine: index,
          ...seriesStyle(index, place, machines.length),
          // So many points need none.
          marker: null,
          points,
        },
      ];
    }),
  );
}
