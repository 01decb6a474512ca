/** The steps of adding a disk and the phases of a recovery on a time line: which one takes the time. */
import type { Trial } from "../../results/schema.js";
import { medianOf } from "../model/cell-text.js";
import { groupBy } from "../model/group-by.js";
import type { Machine } from "../model/machine-list.js";
import { describeLabels } from "../trial-groups.js";
import type { ChartBar, ChartSeries, ChartSpec } from "./chart-spec.js";
import { seriesName, seriesStyle } from "./series-style.js";

interface Step {
  readonly metric: string;
  readonly label: string;
  /** Begins with the step of that number, or where that one ends. */
  readonly after?: number;
  readonly within?: number;
}

interface Timeline {
  readonly id: string;
  readonly title: string;
  readonly reading: string;
  readonly applies: (trial: Trial) => boolean;
  readonly steps: readonly Step[];
  readonly notConditions: readonly string[];
  readonly rank: (trial: Trial) => number;
}

const addDiskStep = (step: string) => `add_disk_latency_ns{step=${step}}`;
const recoveryPhase = (phase: string) => `recovery_latency_ns{phase=${phase}}`;

const ADD_DISK: Timeline = {
  id: "add-disk",
  title: "A disk is added: where the time goes",
  reading:
    "Median p50 of each step, laid one after another; hook, search, check and candidate happen on the nodes that are asked, within the announcement, and learning on the receivers, within the adding.",
  applies: ({ labels }) => labels.kind === "addDisk",
  steps: [
    { metric: addDiskStep("write"), label: "Write superblock and slots" },
    { metric: addDiskStep("announce"), label: "Announce, until all answered", after: 0 },
    { metric: addDiskStep("event"), label: "· event hook", after: 0 },
    { metric: addDiskStep("search"), label: "· device found", after: 2 },
    { metric: addDiskStep("confirm"), label: "· read and checked", after: 3 },
    { metric: addDiskStep("candidate"), label: "· candidate bound", after: 4 },
    { metric: addDiskStep("veto"), label: "Veto tried", after: 1 },
    { metric: addDiskStep("add"), label: "Add, until all have it", after: 6 },
    { metric: addDiskStep("refuse"), label: "Refuse, until all know", after: 6 },
    { metric: addDiskStep("learn"), label: "· learnt by a receiver", after: 6 },
  ],
  notConditions: ["nodes", "kind", "newDeviceTimeoutMs", "lockTimeoutMs"],
  rank: ({ labels }) => ["confirmed", "refused", "unanswered"].indexOf(String(labels.outcome)),
};

const RECOVERY: Timeline = {
  id: "recovery",
  title: "A node dies: where the time of its recovery goes",
  reading:
    "Median p50 of each phase, laid one after another from the death on. A real cluster first has to notice it (corosync’s time-outs), which comes on top.",
  applies: ({ labels }) => labels.kind === "recovery",
  steps: [
    { metric: recoveryPhase("noticed"), label: "Noticed by a survivor" },
    { metric: recoveryPhase("slotLocked"), label: "Slot locked", after: 0 },
    { metric: recoveryPhase("merged"), label: "Bits merged", after: 1 },
    { metric: recoveryPhase("ownPagesWritten"), label: "Own pages written", after: 2 },
    { metric: recoveryPhase("deadSlotCleared"), label: "Dead slot cleared", after: 3 },
    { metric: recoveryPhase("resynced"), label: "Members in line", after: 4 },
  ],
  notConditions: ["nodes", "kind"],
  rank: ({ labels }) => -Number(labels.dirtyChunks),
};

/** Of each kind: the first outcome or the fewest bits, and one more. */
const MOST_PICTURES = 2;

export function timelineCharts(machines: readonly Machine[]): ChartSpec[] {
  return [ADD_DISK, RECOVERY].flatMap((timeline) => {
    const placed = machines.flatMap(({ trials }, machine) =>
      trials.filter(timeline.applies).map((trial) => ({ machine, trial })),
    );
    const pictures = [...groupBy(placed, ({ trial }) => conditionsOf(timeline, trial))].sort(
      ([, [a]], [, [b]]) => (a && b ? timeline.rank(a.trial) - timeline.rank(b.trial) : 0),
    );
    return pictures.slice(0, MOST_PICTURES).map(([conditions, group], index) => {
      const steps = timeline.steps.filter(({ metric }) => group.some(({ trial }) => trial.metrics[metric]));
      return {
        id: `${timeline.id}-${index + 1}`,
        title: timeline.title,
        conditions,
        reading: timeline.reading,
        x: { label: "Time since the beginning", unit: "ns", scale: "linear" as const },
        y: { label: "", unit: "category", scale: "rows" as const, rows: steps.map(({ label }) => label) },
        series: seriesOf(machines, group, timeline, steps),
      };
    });
  });
}

function conditionsOf({ notConditions }: Timeline, { labels }: Trial): string {
  return describeLabels(
    Object.fromEntries(Object.entries(labels).filter(([name]) => !notConditions.includes(name))),
  );
}

/** More bars than these in a row cannot be told apart. */
const MOST_BARS = 6;

function seriesOf(
  machines: readonly Machine[],
  group: readonly { readonly machine: number; readonly trial: Trial }[],
  timeline: Timeline,
  shown: readonly Step[],
): ChartSeries[] {
  const count = new Set(group.map(({ machine }) => machine)).size;
  const nodes = [...new Set(group.map(({ trial }) => Number(trial.labels.nodes)))].sort((a, b) => a - b);
  // Machines beside each other at one size of the cluster, the largest that all have; one machine at every size.
  const common = nodes.filter(
    (size) =>
      new Set(group.filter((one) => one.trial.labels.nodes === size).map((one) => one.machine)).size ===
      count,
  );
  const sizes = count > 1 ? (common.length > 0 ? common : nodes).slice(-1) : nodes.slice(-MOST_BARS);
  return [...groupBy(group, ({ machine }) => machine)].flatMap(([machine, ofMachine]) =>
    sizes.flatMap((size, place): ChartSeries[] => {
      const trials = ofMachine.map(({ trial }) => trial).filter(({ labels }) => labels.nodes === size);
      const bars = barsOf(timeline.steps, shown, trials);
      if (bars.length === 0) return [];
      return [
        {
          name: seriesName(machines[machine]?.name ?? "", `${size} nodes`, count),
          machine,
          ...seriesStyle(machine, place, count),
          marker: null,
          points: [],
          bars,
        },
      ];
    }),
  );
}

function barsOf(steps: readonly Step[], shown: readonly Step[], trials: readonly Trial[]): ChartBar[] {
  const ends: number[] = [];
  return steps.flatMap((step): ChartBar[] => {
    const from = step.after === undefined ? 0 : (ends[step.after] ?? 0);
    const p50s = trials.map(({ metrics }) => metrics[step.metric]?.p50).filter((one) => one !== undefined);
    const duration = medianOf(p50s);
    ends.push(from + (duration ?? 0));
    const row = shown.indexOf(step);
    return duration === undefined || row < 0 ? [] : [[row, from, from + duration]];
  });
}
