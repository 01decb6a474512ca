/**
 * From a scenario's matrix to the trials in the order in which they run. Phases and matrix points are interleaved pair by
 * pair, and the order inside a pair is drawn from the seed, so that the machine's drift falls on all alike.
 */
import type { BitmapScenario, LockScenario, MessageScenario, Phase } from "./schema.js";

/** One array and cluster size: what must be set up before its trials can run. */
export interface MatrixPoint {
  readonly nodes: number;
  readonly chunkBytes: number;
}

export interface TrialPlan extends MatrixPoint {
  /** Unique inside a run; the same in a resumed run. */
  readonly id: string;
  /** Shared by a trial and its twin without a bitmap; counts from 0. */
  readonly pair: number;
  readonly phase: Phase;
  readonly bitmap: boolean;
  /** Seed of this pair's workload: both twins write the same blocks. */
  readonly seed: number;
}

/** One configuration in which locks are measured. */
export type LockPlan = {
  readonly id: string;
  readonly nodes: number;
  readonly valueBlock: boolean;
} & (
  | { readonly seenBy: "native"; readonly waiting: "sleep" | "spin"; readonly cores: "idle" | "busy" }
  | { readonly seenBy: "javascript"; readonly waiting: "promise" | "sync" }
);

/**
 * Every configuration once a round. Threads that spin need a core each: where this machine has too few, those configurations are
 * left out. Nobody waits for an uncontended lock, so that it is measured in one way of waiting only.
 */
export function expandLocks(scenario: LockScenario, machineCores: number): LockPlan[] {
  const plans: LockPlan[] = [];
  for (let round = 1; round <= scenario.trials; round++) {
    for (const nodes of scenario.nodes) {
      for (const valueBlock of scenario.valueBlock) {
        const name = `${scenario.suite}/n${nodes}/${valueBlock ? "lvb" : "bare"}`;
        for (const waiting of scenario.waiting) {
          if (waiting === "spin" && (nodes > machineCores || nodes === 1)) continue;
          for (const cores of scenario.cores) {
            plans.push({
              id: `${name}/${waiting}/${cores}/${round}`,
              nodes,
              valueBlock,
              seenBy: "native",
              waiting,
              cores,
            });
          }
        }
        for (const waiting of scenario.javascriptWaiting) {
          plans.push({ id: `${name}/${waiting}/${round}`, nodes, valueBlock, seenBy: "javascript", waiting });
        }
      }
    }
  }
  return plans;
}

/** One configuration in which broadcasts are measured. */
export interface MessagePlan {
  readonly id: string;
  readonly nodes: number;
  readonly waiting: "sleep" | "spin";
  readonly cores: "idle" | "busy";
}

/** Every configuration once a round, but those with more spinning threads than cores. */
export function expandMessages(scenario: MessageScenario, machineCores: number): MessagePlan[] {
  const plans: MessagePlan[] = [];
  for (let round = 1; round <= scenario.trials; round++) {
    for (const nodes of scenario.nodes) {
      for (const waiting of scenario.waiting) {
        if (waiting === "spin" && nodes > machineCores) continue;
        for (const cores of scenario.cores) {
          plans.push({
            id: `${scenario.suite}/n${nodes}/${waiting}/${cores}/${round}`,
            nodes,
            waiting,
            cores,
          });
        }
      }
    }
  }
  return plans;
}

export function expand(scenario: BitmapScenario): TrialPlan[] {
  const plans: TrialPlan[] = [];
  let pair = 0;
  for (let round = 1; round <= scenario.trials; round++) {
    for (const nodes of scenario.nodes) {
      for (const chunkBytes of scenario.chunkBytes) {
        for (const phase of scenario.phases) {
          const name = `${scenario.suite}/n${nodes}/c${chunkBytes}/${phase}/${round}`;
          const seed = mix(scenario.seed, name);
          const order = scenario.bitmap === "off" ? [false] : seed & 1 ? [true, false] : [false, true];
          for (const bitmap of order) {
            plans.push({
              id: `${name}/${bitmap ? "bitmap" : "none"}`,
              pair,
              phase,
              bitmap,
              seed,
              nodes,
              chunkBytes,
            });
          }
          pair++;
        }
      }
    }
  }
  return plans;
}

/** FNV-1a of the pair's name over the run's seed: any fixed, well-spread function does. */
function mix(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return (hash ^ (hash >>> 15)) >>> 0;
}
