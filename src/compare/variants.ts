/**
 * A result's trials by what they repeat: trials of one variant are like each other in suite, phase and labels. Which trials are left
 * out, and why.
 */
import { canonicalJson } from "../results/scenario-hash.js";
import type { Result, Trial } from "../results/schema.js";

export interface Variant {
  readonly suite: string;
  readonly phase: Trial["phase"];
  readonly labels: Trial["labels"];
}

export interface VariantTrials {
  /** Equal for like variants of two results. */
  readonly key: string;
  readonly variant: Variant;
  readonly trials: readonly Trial[];
}

/** All trials that were planned alike, whatever phase they reached. */
export interface PlannedTrials {
  readonly key: string;
  readonly variant: Variant;
  readonly phases: readonly VariantTrials[];
  readonly unused: number;
}

/** Why a trial is no sample: it had not settled, ran on a degraded array, or only finds the rate of others. */
export type Unused = "notSteady" | "degraded" | "setUp";

export function whyUnused({ phase, labels }: Trial): Unused | null {
  if (labels.finds !== undefined) return "setUp";
  if (phase === "notSteady") return "notSteady";
  const { degraded } = labels;
  return degraded === undefined || degraded === false || degraded === "no" || degraded === 0
    ? null
    : "degraded";
}

export function countUnused({ trials }: Pick<Result, "trials">): Readonly<Record<Unused, number>> {
  const counts = { notSteady: 0, degraded: 0, setUp: 0 };
  for (const trial of trials) {
    const why = whyUnused(trial);
    if (why !== null) counts[why]++;
  }
  return counts;
}

/** `plannedPhase` says what the phase was to be, `degraded` what happened on the way: neither is part of the plan's name. */
const NOT_VARIANT: ReadonlySet<string> = new Set(["plannedPhase", "degraded"]);

/**
 * @param ignored labels in which the sides differ as a whole, as two settings of one build do
 * @returns in the order in which they were first run, trials that only set up others left out
 */
export function plannedTrials(
  { trials }: Pick<Result, "trials">,
  ignored: ReadonlySet<string> = new Set(),
): PlannedTrials[] {
  const planned = new Map<string, { variant: Variant; used: Trial[]; unused: number }>();
  for (const trial of trials) {
    const why = whyUnused(trial);
    if (why === "setUp") continue;
    const labels = labelsOf(trial, ignored);
    const key = keyOf(trial.suite, String(trial.labels.plannedPhase ?? ""), labels);
    const variant: Variant = { suite: trial.suite, phase: trial.phase, labels };
    const entry = planned.get(key) ?? { variant, used: [], unused: 0 };
    planned.set(key, entry);
    if (why === null) entry.used.push(trial);
    else entry.unused++;
  }
  return [...planned].map(([key, { variant, used, unused }]) => ({
    key,
    variant,
    phases: byPhase(variant, used),
    unused,
  }));
}

/** Labels that have one value on each side, and not the same. */
export function labelsOfSides(base: Pick<Result, "trials">, head: Pick<Result, "trials">): Set<string> {
  const names = new Set([...base.trials, ...head.trials].flatMap(({ labels }) => Object.keys(labels)));
  const constant = ({ trials }: Pick<Result, "trials">, name: string) => {
    const values = new Set(trials.map(({ labels }) => labels[name]));
    return values.size === 1 ? [...values] : null;
  };
  const differs = (name: string) => {
    const [one, other] = [constant(base, name), constant(head, name)];
    return one !== null && other !== null && one[0] !== other[0];
  };
  return new Set([...names].filter((name) => !NOT_VARIANT.has(name) && differs(name)));
}

export function variantKey({ suite, phase, labels }: Variant): string {
  return keyOf(suite, phase, labels);
}

function byPhase(variant: Variant, trials: readonly Trial[]): VariantTrials[] {
  return [...new Set(trials.map(({ phase }) => phase))].map((phase) => {
    const one = { ...variant, phase };
    return { key: variantKey(one), variant: one, trials: trials.filter((trial) => trial.phase === phase) };
  });
}

function labelsOf({ labels }: Trial, ignored: ReadonlySet<string>): Trial["labels"] {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => !NOT_VARIANT.has(name) && !ignored.has(name)),
  );
}

function keyOf(suite: string, phase: string, labels: Trial["labels"]): string {
  return canonicalJson([suite, phase, labels]);
}
