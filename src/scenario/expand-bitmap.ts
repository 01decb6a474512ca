/**
 * From a bitmap scenario's matrix to the trials in the order in which they run. Phases and matrix points are interleaved pair by
 * pair, and the order inside a pair is drawn from the seed, so that the machine's drift falls on all alike. Where a rate is a
 * percentage of the closed loop's maximum, the trials that find that maximum come first.
 */
import type { MatrixPoint } from "./expand.js";
import type { BitmapScenario, Phase, Rate } from "./schema.js";
import { isTrace, workloadName } from "./trace-workload.js";

/** One value of every axis. */
export interface BitmapPoint extends MatrixPoint {
  readonly workload: BitmapScenario["workload"][number];
  readonly workingSet: BitmapScenario["workingSet"][number];
  readonly writeBytes: number;
  readonly plug: number;
  readonly durability: BitmapScenario["durability"][number];
  readonly rate: Rate;
}

export interface TrialPlan extends BitmapPoint {
  /** Unique inside a run; the same in a resumed run. */
  readonly id: string;
  /** Shared by a trial and its twin without a bitmap, counts from 0; null: it has none. */
  readonly pair: number | null;
  readonly phase: Phase;
  readonly bitmap: boolean;
  /** Seed of this pair's workload: both twins write the same blocks. */
  readonly seed: number;
  /** Of a trial that finds the closed loop's maximum, and of those whose rate is a percentage of it: which maximum that is. */
  readonly maximum: string | null;
}

/** Trials of one maximum. */
const MAXIMUM_TRIALS = 3;

export function expand(scenario: BitmapScenario): TrialPlan[] {
  return [...maximumTrials(scenario), ...pairs(scenario)];
}

/** Whether a plan is one of those that find a maximum. */
export function findsMaximum({ maximum, rate }: TrialPlan): boolean {
  return maximum !== null && rate === "closed";
}

/** What the closed loop reaches depends on neither chunk nor durability where there is no bitmap. */
function maximumTrials(scenario: BitmapScenario): TrialPlan[] {
  const one = { chunkBytes: scenario.chunkBytes.slice(0, 1), durability: scenario.durability.slice(0, 1) };
  const derived = points({ ...scenario, ...one }).filter(({ rate }) => isPercentage(rate));
  const wanted = new Map(derived.map((point) => [maximumName(scenario, point), point]));
  return Array.from({ length: MAXIMUM_TRIALS }, (_, index) =>
    [...wanted].map(([maximum, point]): TrialPlan => {
      const id = `${maximum}/${index + 1}`;
      return {
        ...point,
        rate: "closed",
        id,
        pair: null,
        phase: "steady",
        bitmap: false,
        seed: seedOf(scenario, id),
        maximum,
      };
    }),
  ).flat();
}

function pairs(scenario: BitmapScenario): TrialPlan[] {
  const plans: TrialPlan[] = [];
  let pair = 0;
  for (let round = 1; round <= scenario.trials; round++) {
    for (const point of points(scenario)) {
      for (const phase of scenario.phases) {
        const name = `${scenario.suite}/${pointName(scenario, point)}/${phase}/${round}`;
        const drawn = mix(scenario.seed, name);
        const order = sidesOf(scenario, drawn);
        for (const bitmap of order) {
          plans.push({
            ...point,
            id: `${name}/${bitmap ? "bitmap" : "none"}`,
            pair,
            phase,
            bitmap,
            seed: seedOf(scenario, name),
            maximum: isPercentage(point.rate) ? maximumName(scenario, point) : null,
          });
        }
        pair++;
      }
    }
  }
  return plans;
}

/** Whether with bitmap, of each trial of a pair in turn. */
function sidesOf({ bitmap }: BitmapScenario, drawn: number): readonly boolean[] {
  if (bitmap !== "paired") return [bitmap === "on"];
  return drawn & 1 ? [true, false] : [false, true];
}

/** Every combination of the axes. */
function points(scenario: BitmapScenario): BitmapPoint[] {
  let combined: Partial<BitmapPoint>[] = [{}];
  for (const axis of AXES) {
    combined = combined.flatMap((point) => scenario[axis].map((value) => ({ ...point, [axis]: value })));
  }
  return (combined as BitmapPoint[]).filter((point) => isMeant(scenario, point));
}

/** Where a trace writes, and how much at a time, is the trace's own; and generated workloads have no recorded times. */
function isMeant(scenario: BitmapScenario, { workload, workingSet, writeBytes, rate }: BitmapPoint): boolean {
  if (!isTrace(workload)) return rate !== "recorded";
  return workingSet === scenario.workingSet[0] && writeBytes === scenario.writeBytes[0];
}

const AXES = [
  "nodes",
  "workload",
  "workingSet",
  "writeBytes",
  "plug",
  "durability",
  "rate",
  "chunkBytes",
] as const;

/** Nodes and chunk always, other axes where they have more than one value. */
function pointName(scenario: BitmapScenario, point: BitmapPoint): string {
  return `n${point.nodes}/c${point.chunkBytes}${variedName(scenario, point, [
    "workload",
    "workingSet",
    "writeBytes",
    "plug",
    "durability",
    "rate",
  ])}`;
}

function maximumName(scenario: BitmapScenario, point: BitmapPoint): string {
  const varied = variedName(scenario, point, ["workload", "workingSet", "writeBytes", "plug"]);
  return `${scenario.suite}/n${point.nodes}${varied}/maximum`;
}

type VariedAxis = Exclude<(typeof AXES)[number], "nodes" | "chunkBytes">;

function variedName(scenario: BitmapScenario, point: BitmapPoint, axes: readonly VariedAxis[]): string {
  return axes
    .filter((axis) => scenario[axis].length > 1)
    .map((axis) => {
      const value = axis === "workload" ? workloadName(scenario, point.workload) : point[axis];
      return `/${AXIS_LETTERS[axis]}${value}`;
    })
    .join("");
}

const AXIS_LETTERS: Readonly<Record<VariedAxis, string>> = {
  workload: "",
  workingSet: "s",
  writeBytes: "w",
  plug: "p",
  durability: "",
  rate: "r",
};

function isPercentage(rate: Rate): boolean {
  return typeof rate === "string" && rate !== "closed" && rate !== "recorded";
}

/** Where only touched blocks are primed, all trials write the same ones: else each would have to be primed for. */
function seedOf(scenario: BitmapScenario, name: string): number {
  return scenario.priming === "touched" ? scenario.seed : mix(scenario.seed, name);
}

/** FNV-1a of the pair's name over the run's seed: any fixed, well-spread function does. */
function mix(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 15)) >>> 0;
}
