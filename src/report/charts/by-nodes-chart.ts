/** Figures by the number of nodes: writes a second and their tax as a cluster grows, locks handed over, broadcasts. */
import { medianInterval } from "../../measure/median-interval.js";
import type { Trial } from "../../results/schema.js";
import { conditionsOf } from "../latency-grid.js";
import { type FigureDefinition, figureOf } from "../model/figure-table.js";
import { groupBy } from "../model/group-by.js";
import type { Machine } from "../model/machine-list.js";
import { isBitmapTrial } from "../model/table-definitions.js";
import { describeLabels } from "../trial-groups.js";
import type { ChartAxis, ChartPoint, ChartSeries, ChartSpec } from "./chart-spec.js";
import { seriesName, seriesStyle } from "./series-style.js";

interface ByNodes {
  readonly id: string;
  readonly title: string;
  readonly reading: string;
  readonly y: ChartAxis;
  readonly figure: FigureDefinition;
  readonly applies: (trial: Trial) => boolean;
  /** What sets lines of one machine apart. */
  readonly variantOf: (trial: Trial) => string;
  /** Of the picture, where several are needed. */
  readonly pictureOf: (trial: Trial, phase: string) => string;
}

const WITHOUT: ReadonlySet<string> = new Set(["nodes", "bitmap", "plannedPhase", "ratePerSecond"]);

function matrixPoint({ labels }: Trial, phase: string): string {
  const rest = describeLabels(
    Object.fromEntries(Object.entries(labels).filter(([name]) => !WITHOUT.has(name))),
  );
  return `${phase}, ${rest}`;
}

/** One colour each in all pictures; variants that are not here stay as they come. */
const VARIANT_ORDER = ["with bitmap", "without bitmap"];
const bitmapOf = ({ labels }: Trial) => (labels.bitmap === "on" ? "with bitmap" : "without bitmap");
const waitingOf = (trial: Trial) => conditionsOf([trial])[0]?.label ?? "";

const CHARTS: readonly ByNodes[] = [
  {
    id: "node-scaling",
    title: "Writes a second by number of nodes",
    reading:
      "Of the whole cluster; medians over trials, the shaded band their interval. The distance between the lines is what the bitmap costs.",
    y: { label: "Writes a second, whole cluster", unit: "writes/s", scale: "linear" },
    figure: { title: "", metric: /^write_iops$/, statistic: "value" },
    applies: isBitmapTrial,
    variantOf: bitmapOf,
    pictureOf: matrixPoint,
  },
  {
    id: "node-latency",
    title: "Write latency by number of nodes",
    reading: "p50, medians over trials, the shaded band their interval.",
    y: { label: "Write latency, p50", unit: "ns", scale: "log" },
    figure: { title: "", metric: /^write_latency_ns$/, statistic: "p50" },
    applies: isBitmapTrial,
    variantOf: bitmapOf,
    pictureOf: matrixPoint,
  },
  {
    id: "lock-hand-over",
    title: "A lock handed to the next of N nodes",
    reading:
      "From the start of its release until the next node’s thread goes on: p50, medians over trials. sleep, spin: native threads; promise, waitSync: as JavaScript sees it. Idle cores have to be woken.",
    y: { label: "Hand-over, p50", unit: "ns", scale: "log" },
    figure: { title: "", metric: /op=handOver/, statistic: "p50" },
    applies: ({ labels }) => labels.kind === "locks" && labels.valueBlock === false,
    variantOf: waitingOf,
    pictureOf: () => "without LVB",
  },
  {
    id: "messages",
    title: "A broadcast to all other nodes",
    reading: "Until every other node has processed it: p50, medians over trials.",
    y: { label: "Broadcast, p50", unit: "ns", scale: "log" },
    figure: { title: "", metric: /^message_latency_ns$/, statistic: "p50" },
    applies: ({ labels }) => labels.kind === "messages",
    variantOf: waitingOf,
    pictureOf: () => "",
  },
];

/** Of each kind of picture so many at most. */
const MOST_PICTURES = 2;
/** With more lines than these a picture of several machines shows one way of waiting alone. */
const MOST_LINES = 8;

export function byNodesCharts(machines: readonly Machine[]): ChartSpec[] {
  return CHARTS.flatMap((chart) => {
    const placed = machines.flatMap(({ trials, phaseOf }, machine) => {
      return trials
        .filter((trial) => chart.applies(trial) && figureOf(trial, chart.figure) !== undefined)
        .map((trial) => ({
          machine,
          trial,
          key: `${trial.suite}\n${chart.pictureOf(trial, phaseOf(trial))}`,
        }));
    });
    const pictures = [...groupBy(placed, ({ key }) => key)].flatMap(([key, group]) => {
      const nodes = [...new Set(group.map(({ trial }) => Number(trial.labels.nodes)))].sort((a, b) => a - b);
      return nodes.length < 2 ? [] : [{ conditions: key.split("\n")[1] ?? "", group, nodes }];
    });
    // What had settled first, and of that what reaches further.
    const settled = ({ conditions }: { conditions: string }) => (conditions.startsWith("notSteady") ? 1 : 0);
    pictures.sort((a, b) => settled(a) - settled(b) || b.nodes.length - a.nodes.length);
    return pictures.slice(0, MOST_PICTURES).map(({ conditions, group, nodes }, index) => ({
      id: `${chart.id}-${index + 1}`,
      title: chart.title,
      conditions,
      reading: chart.reading,
      x: { label: "Nodes", unit: "nodes", scale: "log2" as const, ticks: nodes },
      y: chart.y,
      series: seriesOf(machines, group, chart),
    }));
  });
}

function seriesOf(
  machines: readonly Machine[],
  group: readonly { readonly machine: number; readonly trial: Trial }[],
  { figure, variantOf }: ByNodes,
): ChartSeries[] {
  const variants = [...new Set(group.map(({ trial }) => variantOf(trial)))].sort(
    (a, b) => VARIANT_ORDER.indexOf(a) - VARIANT_ORDER.indexOf(b),
  );
  const count = new Set(group.map(({ machine }) => machine)).size;
  const shown = count > 1 && variants.length * count > MOST_LINES ? variants.slice(0, 1) : variants;
  return [...groupBy(group, ({ machine }) => machine)].flatMap(([machine, ofMachine]) =>
    shown.flatMap((variant, place): ChartSeries[] => {
      const trials = ofMachine.map(({ trial }) => trial).filter((trial) => variantOf(trial) === variant);
      const points = [...groupBy(trials, ({ labels }) => Number(labels.nodes))]
        .flatMap(([nodes, ofNodes]): ChartPoint[] => {
          const figures = ofNodes.map((trial) => figureOf(trial, figure)).filter((one) => one !== undefined);
          const interval = medianInterval(figures);
          return interval === null ? [] : [[nodes, interval.median, interval.low, interval.high]];
        })
        .sort((a, b) => a[0] - b[0]);
      if (points.length === 0) return [];
      return [
        {
          name: seriesName(machines[machine]?.name ?? "", variant, count),
          machine,
          ...seriesStyle(machine, place, count),
          points,
        },
      ];
    }),
  );
}
