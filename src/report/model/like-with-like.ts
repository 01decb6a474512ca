/** What must be the same in two machines' results for their ratio to be about the machines. */
import { DISTURBING_LOAD_PER_CORE } from "../../measure/machine-checks.js";
import type { Result } from "../../results/schema.js";
import type { Machine } from "./machine-list.js";
import { type WorkFacts, workDifferences } from "./work-differences.js";

export function workFacts(result: Result): WorkFacts {
  const { scenarioHash, backends, environment, variant, kernel, durabilityModel } = result;
  const { load, cpu, members } = environment;
  return {
    facts: [
      ["scenario", scenarioHash.slice(0, 8)],
      ["lock manager", backends.dlm],
      ["I/O", backends.io],
      ["members written", backends.members],
      ["number of members", String(members.length)],
      ["variant", variant],
      ["md as of", kernel],
      ["durability model", durabilityModel],
      ["governor", cpu.governor],
    ],
    disturbance:
      load[0] > DISTURBING_LOAD_PER_CORE * cpu.cores
        ? `had a load of ${load[0].toFixed(2)} on ${cpu.cores} ${cpu.cores === 1 ? "core" : "cores"} when its run began`
        : null,
  };
}

/** Why a suite's figures of two machines are no like with like; empty where they are. */
export function unlikeness(base: Machine, other: Machine, suite: string): readonly string[] {
  const [a, b] = [base.resultOfSuite.get(suite), other.resultOfSuite.get(suite)];
  return base === other || a === undefined || b === undefined
    ? []
    : workDifferences(workFacts(a), workFacts(b));
}
