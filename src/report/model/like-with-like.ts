/** What must be the same in two machines' results of a suite for their ratio to be about the machines. */

import { scenarioHash } from "../../results/scenario-hash.js";
import type { Result, Trial } from "../../results/schema.js";
import type { Machine } from "./machine-list.js";
import { workDifferences } from "./work-differences.js";

const known = new WeakMap<Machine, Map<string, Result | null>>();

/** A machine's result as far as it is about what was done for one suite: no figures. Null where it has no such suite. */
export function workOf(machine: Machine, suite: string): Result | null {
  const ofMachine = known.get(machine) ?? new Map<string, Result | null>();
  known.set(machine, ofMachine);
  const before = ofMachine.get(suite);
  if (before !== undefined) return before;
  const result = machine.resultOfSuite.get(suite);
  const work = result === undefined ? null : strippedTo(result, suite);
  ofMachine.set(suite, work);
  return work;
}

function strippedTo(result: Result, suite: string): Result {
  const trials = result.trials.filter((trial) => trial.suite === suite);
  // How many nodes ran says which load was the run's own.
  const largest = trials.reduce<Trial | undefined>(
    (most, trial) => (nodesOf(trial) > (most === undefined ? -1 : nodesOf(most)) ? trial : most),
    undefined,
  );
  const { chunkAdvice: _, ...rest } = result;
  return {
    ...rest,
    ...scenarioOf(result, suite),
    trials: largest === undefined ? [] : [{ ...largest, id: "", startedAt: "", metrics: {}, histograms: {} }],
    histograms: {},
    warnings: [],
    createdAt: "",
    slotmark: { version: "", commit: "" },
  };
}

function nodesOf({ labels }: Trial): number {
  return Number(labels.nodes ?? 0);
}

/** Of a run of several suites, what this one did; another beside it is no other work. */
function scenarioOf(
  { scenario, scenarioHash: hash }: Result,
  suite: string,
): Pick<Result, "scenario" | "scenarioHash"> {
  const { suites } = scenario;
  if (!Array.isArray(suites)) return { scenario, scenarioHash: hash };
  const own = suites.filter((one) => Reflect.get(Object(one), "suite") === suite);
  // The run's own hash knows a trace by its contents, not by its path.
  if (own.length === suites.length) return { scenario, scenarioHash: hash };
  return { scenario: { ...scenario, suites: own }, scenarioHash: scenarioHash({ suites: own }) };
}

/** Why a suite's figures of two machines are no like with like; empty where they are. */
export function unlikeness(base: Machine, other: Machine, suite: string): readonly string[] {
  const [a, b] = [workOf(base, suite), workOf(other, suite)];
  return base === other || a === null || b === null ? [] : workDifferences(a, b);
}
