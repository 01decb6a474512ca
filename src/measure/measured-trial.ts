/**
 * From what the nodes of one trial report to its record: the headline figures of the design, for the cluster as a whole.
 */
import { decodeHistogram, encodeHistogram, type LatencyHistogram } from "../cluster/latency-histogram.js";
import type { NodeMeasurement } from "../cluster/node-task.js";
import { findsMaximum, type TrialPlan } from "../scenario/expand-bitmap.js";
import { percentOf } from "../scenario/percentage.js";
import { formatSize } from "../scenario/quantities.js";
import type { BitmapScenario, WorkingSet } from "../scenario/schema.js";
import { workloadName } from "../scenario/trace-workload.js";
import { latencyMetric } from "./latency-metric.js";
import { TRACE_PASSES_METRIC } from "./trace-warnings.js";
import type { Metric, TrialRecord } from "./trial-record.js";

export interface MeasuredTrial {
  readonly trial: TrialRecord;
  /** Encoded HDR histograms by the REF that the trial names. */
  readonly histograms: Readonly<Record<string, string>>;
}

/** What a trial knows of the trace that it replays. */
export interface TracedTrial {
  readonly touchedBytes: number;
  /** Writes of the whole trace, those that were cut for the nodes counted by their parts. */
  readonly parts: number;
}

export function measuredTrial(
  scenario: BitmapScenario,
  plan: TrialPlan,
  ratePerSecond: number | null,
  traced: TracedTrial | null,
  nodes: readonly NodeMeasurement[],
  startedAt: string,
  degraded: TrialRecord["labels"] = {},
): MeasuredTrial {
  const metrics: Record<string, Metric> = {};
  const histograms: Record<string, string> = {};
  const references: Record<string, string> = {};

  const addLatency = (name: string, encoded: readonly (string | null)[]) => {
    const merged = mergeHistograms(encoded.filter((one) => one !== null));
    if (merged === null) return;
    if (merged.totalCount === 0) {
      merged.destroy();
      return;
    }
    metrics[name] = latencyMetric(merged);
    const reference = `${plan.id}/${name}`;
    references[name] = reference;
    histograms[reference] = encodeHistogram(merged);
    merged.destroy();
  };
  addLatency(
    "write_latency_ns",
    nodes.map((node) => node.writeLatency),
  );
  addLatency(
    "service_latency_ns",
    nodes.map((node) => node.serviceLatency),
  );

  const writes = sum(nodes, (node) => node.writes);
  metrics.write_iops = {
    unit: "writes/s",
    direction: "higher",
    value: sum(nodes, (node) => (node.writes * 1e9) / node.durationNs),
    count: writes,
  };
  if (traced !== null) {
    const value = ratio(writes, traced.parts);
    metrics[TRACE_PASSES_METRIC] = { unit: "passes", direction: "higher", value, count: writes };
  }
  if (ratePerSecond !== null) {
    metrics.offered_iops = {
      unit: "writes/s",
      direction: "higher",
      value: ratePerSecond,
      count: writes,
    };
    metrics.open_loop_delay_ns = {
      unit: "ns",
      direction: "lower",
      value: Math.max(...nodes.map((node) => node.finalDelayNs)),
      count: nodes.length,
    };
  }
  if (plan.bitmap) {
    addLatency(
      "unplug_latency_ns",
      nodes.map((node) => node.unplugLatency),
    );
    const plugs = sum(nodes, (node) => node.plugs);
    for (const cause of ["unplug", "daemon"] as const) {
      metrics[`bitmap_page_writes_per_write{cause=${cause}}`] = {
        unit: "pages/write",
        direction: "lower",
        value: ratio(
          sum(nodes, (node) => node.pageWrites[cause]),
          writes,
        ),
        count: writes,
      };
    }
    metrics.unplug_share = {
      unit: "ratio",
      direction: "lower",
      value: ratio(
        sum(nodes, (node) => node.unplugs),
        plugs,
      ),
      count: plugs,
    };
    metrics.dirty_bytes = {
      unit: "bytes",
      direction: "lower",
      mean: sum(nodes, (node) => node.dirtyBytes.mean) / nodes.length,
      max: Math.max(...nodes.map((node) => node.dirtyBytes.maximum)),
      count: nodes.length,
    };
  }

  return {
    trial: {
      id: plan.id,
      pair: plan.pair,
      suite: scenario.suite,
      labels: {
        ...labelsOf(scenario, plan, ratePerSecond, traced),
        directIo: nodes.every((node) => node.directIo),
        ...(nodes.some((node) => node.mapsEachWrite) ? { registeredBuffers: false } : {}),
        ...degraded,
      },
      phase: phaseOf(plan, nodes),
      startedAt,
      durationNs: Math.round(Math.max(...nodes.map((node) => node.durationNs))),
      metrics,
      histograms: references,
    },
    histograms,
  };
}

/** What tells this trial's figures from others of the same run. */
function labelsOf(
  scenario: BitmapScenario,
  plan: TrialPlan,
  ratePerSecond: number | null,
  traced: TracedTrial | null,
): TrialRecord["labels"] {
  return {
    bitmap: plan.bitmap ? "on" : "off",
    nodes: plan.nodes,
    chunkBytes: plan.chunkBytes,
    workload: workloadName(scenario, plan.workload),
    ...(traced === null
      ? { workingSet: workingSetText(plan.workingSet), writeBytes: plan.writeBytes }
      : { workingSet: formatSize(traced.touchedBytes) }),
    plug: plan.plug,
    loop: ratePerSecond === null ? "closed" : "open",
    ...rateLabel(plan, ratePerSecond),
    durability: plan.durability,
    daemonSleepMs: scenario.daemonSleepMs,
    plannedPhase: plan.phase,
    ...(findsMaximum(plan) ? { finds: "maximum" } : {}),
  };
}

/** A rate that follows from a maximum differs from run to run, the percentage does not: what was offered is a metric then. */
function rateLabel({ rate }: TrialPlan, ratePerSecond: number | null): TrialRecord["labels"] {
  if (ratePerSecond === null || rate === "closed") return { ratePerSecond: 0 };
  if (rate === "recorded") return { ratePerSecond: Number(ratePerSecond.toPrecision(3)), times: "recorded" };
  return typeof rate === "number" ? { ratePerSecond: rate } : { ratePercent: percentOf(rate) };
}

function workingSetText(workingSet: WorkingSet): string {
  return typeof workingSet === "number" ? formatSize(workingSet) : workingSet;
}

function phaseOf(plan: TrialPlan, nodes: readonly NodeMeasurement[]): TrialRecord["phase"] {
  if (plan.phase === "cold") return "cold";
  // Without a bitmap there is no rhythm to wait for: the twin's condition is the figure's.
  if (!plan.bitmap) return "steady";
  const rhythms = nodes.flatMap((node) => [node.rhythmAtStart, node.rhythmAtEnd]);
  if (rhythms.includes("settling")) return "notSteady";
  return rhythms.every((rhythm) => rhythm === "hot") ? "hot" : "steady";
}

function mergeHistograms(encoded: readonly string[]): LatencyHistogram | null {
  let merged: LatencyHistogram | null = null;
  for (const one of encoded) {
    const next = decodeHistogram(one);
    if (merged === null) merged = next;
    else {
      merged.add(next);
      next.destroy();
    }
  }
  return merged;
}

function sum(nodes: readonly NodeMeasurement[], of: (node: NodeMeasurement) => number): number {
  return nodes.reduce((total, node) => total + of(node), 0);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
