/** Trials that repeat one another, side by side with their twins without a bitmap. */
import type { Result, Trial } from "../results/schema.js";
import { formatSize } from "../scenario/quantities.js";

export type Label = Trial["labels"][string];

export interface TrialGroup {
  readonly suite: string;
  readonly phase: Trial["phase"];
  /** What sets this group apart from others of the result; labels that all trials share are left out. */
  readonly labels: Readonly<Record<string, Label>>;
  /** By the label `bitmap`; one column named "" where trials have none. */
  readonly columns: ReadonlyMap<string, readonly Trial[]>;
}

/** `plannedPhase` is the phase again, `bitmap` makes the columns, and a warning says what `failure` says. */
const NOT_SHOWN: ReadonlySet<string> = new Set(["bitmap", "plannedPhase", "failure"]);

/** Labels with one value in all trials. */
export function commonLabels({
  trials,
}: {
  readonly trials: readonly Pick<Trial, "labels">[];
}): Record<string, Label> {
  const [first, ...others] = trials;
  const shared = Object.entries(first?.labels ?? {}).filter(
    ([name, value]) => !NOT_SHOWN.has(name) && others.every((trial) => trial.labels[name] === value),
  );
  return Object.fromEntries(shared);
}

/**
 * The phase under which a trial is shown. Without a bitmap there is nothing to settle: such a trial stands beside its twin,
 * whatever phase that reached.
 */
export function phaseShown(trials: readonly Trial[]): (trial: Trial) => Trial["phase"] {
  const phaseOfPair = new Map(
    trials.filter(({ labels }) => labels.bitmap === "on").map(({ pair, phase }) => [pair, phase]),
  );
  return ({ labels, pair, phase }) =>
    labels.bitmap !== "off" || pair === null ? phase : (phaseOfPair.get(pair) ?? phase);
}

export function groupTrials(result: Pick<Result, "trials">): TrialGroup[] {
  const common = commonLabels(result);
  const phaseOf = phaseShown(result.trials);
  const groups = new Map<string, TrialGroup & { columns: Map<string, Trial[]> }>();
  for (const trial of result.trials) {
    const labels = Object.fromEntries(
      Object.entries(trial.labels).filter(([name]) => !NOT_SHOWN.has(name) && !Object.hasOwn(common, name)),
    );
    const phase = phaseOf(trial);
    const key = JSON.stringify([trial.suite, phase, Object.entries(labels).sort()]);
    const group = groups.get(key) ?? { suite: trial.suite, phase, labels, columns: new Map() };
    groups.set(key, group);
    const column = String(trial.labels.bitmap ?? "");
    group.columns.set(column, [...(group.columns.get(column) ?? []), trial]);
  }
  return [...groups.values()];
}

/** `chunkBytes: 65536` → `chunk 64K`, `daemonSleepMs: 500` → `daemon sleep 500ms`. */
export function describeLabel(name: string, value: Label): string {
  const words = name
    .replace(/(Bytes|Ms|PerSecond)$/, "")
    .replace(/([A-Z])/g, " $1")
    .toLowerCase();
  if (name.endsWith("Bytes") && typeof value === "number") return `${words} ${formatSize(value)}`;
  if (name.endsWith("Ms")) return `${words} ${value}ms`;
  if (name.endsWith("PerSecond")) return `${words} ${value}/s`;
  if (name === "ratePercent") return `rate ${value} % of the maximum`;
  return `${words} ${typeof value === "boolean" ? (value ? "yes" : "no") : value}`;
}

export function describeLabels(labels: Readonly<Record<string, Label>>): string {
  return Object.entries(labels)
    .filter(([name, value]) => !(name === "ratePerSecond" && value === 0))
    .map(([name, value]) => describeLabel(name, value))
    .join(", ");
}
