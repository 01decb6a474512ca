/** Every picture that the results allow, the ones that decide first. */
import type { Machine } from "../model/machine-list.js";
import { byNodesCharts } from "./by-nodes-chart.js";
import type { ChartSpec } from "./chart-spec.js";
import { chunkSweepCharts } from "./chunk-sweep-chart.js";
import { latencyCharts } from "./latency-chart.js";
import { throughputCharts } from "./throughput-chart.js";
import { timelineCharts } from "./timeline-chart.js";

/** More than these nobody looks at. */
const MOST_CHARTS = 24;

export function allCharts(machines: readonly Machine[]): ChartSpec[] {
  const [first = [], ...others] = [
    chunkSweepCharts(machines),
    latencyCharts(machines),
    byNodesCharts(machines),
    timelineCharts(machines),
    throughputCharts(machines),
  ];
  return [...first, ...others.flat()].filter(({ series }) => series.length > 0).slice(0, MOST_CHARTS);
}
