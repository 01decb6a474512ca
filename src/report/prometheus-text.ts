/**
 * Every figure as a Prometheus gauge, medians over trials, in the text format: base units (seconds, bytes, ratios), labels for
 * machine, suite and variant. `promtool check metrics` accepts it.
 */
import type { Metric, Trial } from "../results/schema.js";
import { medianOf } from "./model/cell-text.js";
import type { Statistic } from "./model/figure-table.js";
import { groupBy } from "./model/group-by.js";
import type { ReportModel } from "./model/report-model.js";

const STATISTICS: readonly Statistic[] = ["value", "mean", "p50", "p90", "p99", "p999", "max"];

/** By the result's unit: what a figure is divided by, and how its metric's name ends. */
const UNITS: Readonly<Record<string, { readonly divisor: number; readonly ending: string }>> = {
  ns: { divisor: 1e9, ending: "_seconds" },
  percent: { divisor: 100, ending: "_ratio" },
  ratio: { divisor: 1, ending: "_ratio" },
  bytes: { divisor: 1, ending: "_bytes" },
};

interface Family {
  readonly help: string;
  readonly lines: string[];
}

export function prometheusText({ machines }: ReportModel): string {
  const families = new Map<string, Family>();
  for (const { name: machine, trials } of machines) {
    const variants = groupBy(trials, (trial) =>
      JSON.stringify([trial.suite, trial.phase, Object.entries(trial.labels).sort()]),
    );
    for (const ofVariant of variants.values()) addVariant(families, machine, ofVariant);
  }
  const blocks = [...families].map(([name, { help, lines }]) =>
    [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines].join("\n"),
  );
  return `${blocks.join("\n")}\n`;
}

function addVariant(families: Map<string, Family>, machine: string, trials: readonly Trial[]): void {
  const [first] = trials;
  if (first === undefined) return;
  const names = new Set(trials.flatMap(({ metrics }) => Object.keys(metrics)));
  for (const metric of names) {
    const found = trials.map(({ metrics }) => metrics[metric]).filter((one) => one !== undefined);
    const [any] = found;
    if (any === undefined) continue;
    const { name, parts } = splitName(metric);
    const { divisor, ending } = UNITS[any.unit] ?? { divisor: 1, ending: "" };
    const family = familyName(name, ending);
    const { lines } = getFamily(families, family, any, name);
    for (const statistic of STATISTICS) {
      const median = medianOf(found.map((one) => one[statistic]).filter((one) => one !== undefined));
      if (median === undefined) continue;
      const labels = {
        machine,
        suite: first.suite,
        phase: first.phase,
        ...snakeCased(first.labels),
        ...parts,
        statistic,
      };
      lines.push(`${family}${labelList(labels)} ${median / divisor}`);
    }
  }
}

function getFamily(
  families: Map<string, Family>,
  family: string,
  { unit, direction }: Metric,
  name: string,
): Family {
  const known = families.get(family);
  if (known !== undefined) return known;
  const help = `slotmark's ${name}: medians over trials, measured in ${unit}; ${direction} is better.`;
  const made = { help, lines: [] };
  families.set(family, made);
  return made;
}

/** `lock_latency_ns{op=request,mode=EX}` to its name and its labels. */
function splitName(metric: string): {
  readonly name: string;
  readonly parts: Readonly<Record<string, string>>;
} {
  const [name = "", inside = ""] = metric.replace(/\}$/, "").split("{");
  const parts = inside === "" ? [] : inside.split(",").map((part) => part.split("=", 2));
  return { name, parts: Object.fromEntries(parts.map(([key = "", value = ""]) => [labelName(key), value])) };
}

function familyName(name: string, ending: string): string {
  const stem = name.replace(/_(ns|percent|bytes)$/, "");
  return `slotmark_${stem}${stem.endsWith(ending) ? "" : ending}`;
}

function labelName(name: string): string {
  return name
    .replace(/([A-Z])/g, "_$1")
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_");
}

function snakeCased(labels: Trial["labels"]): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [labelName(name), String(value)]));
}

function labelList(labels: Readonly<Record<string, string>>): string {
  const escapedValue = (value: string) =>
    value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapedValue(value)}"`);
  return `{${pairs.join(",")}}`;
}
