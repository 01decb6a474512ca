/** From a scenario's matrix to the trials of latency suites and running arrays, in the order in which they run. */
import type { AddDiskScenario, LockScenario, MessageScenario, RecoveryScenario } from "./schema.js";

/** One array and cluster size: what must be set up before its trials can run. */
export interface MatrixPoint {
  readonly nodes: number;
  readonly chunkBytes: number;
}

/** How one configuration of a latency suite is measured: where, and what waiting threads and idle cores do meanwhile. */
export type LatencyConditions = { readonly cores: "idle" | "busy" } & (
  | { readonly seenBy: "native"; readonly waiting: "sleep" | "spin" }
  | { readonly seenBy: "javascript"; readonly waiting: "promise" | "sync" }
);

/** One configuration in which locks are measured. */
export type LockPlan = LatencyConditions & {
  readonly id: string;
  readonly nodes: number;
  readonly valueBlock: boolean;
};

/** One configuration in which broadcasts are measured. */
export type MessagePlan = LatencyConditions & { readonly id: string; readonly nodes: number };

/**
 * Every configuration once a round. Threads that spin need a core each: where this machine has too few, those configurations are
 * left out. Nobody waits for an uncontended lock, so that it is measured in one way of waiting only.
 */
export function expandLocks(scenario: LockScenario, machineCores: number): LockPlan[] {
  const { kind, suite, cores } = scenario;
  return rounds(scenario.trials, (round) =>
    scenario.nodes.flatMap((nodes) =>
      scenario.valueBlock.flatMap((valueBlock) => {
        const native = scenario.waiting.filter(
          (waiting) => waiting === "sleep" || (nodes > 1 && nodes <= machineCores),
        );
        return conditions(native, scenario.javascriptWaiting, cores).map((one) => {
          const name = `${partOf(kind, suite)}/n${nodes}/${valueBlock ? "lvb" : "bare"}`;
          return { ...one, id: `${name}/${one.waiting}/${one.cores}/${round}`, nodes, valueBlock };
        });
      }),
    ),
  );
}

/** Every configuration once a round, but those with more spinning threads than cores. */
export function expandMessages(scenario: MessageScenario, machineCores: number): MessagePlan[] {
  const { kind, suite, cores, seenBy } = scenario;
  return rounds(scenario.trials, (round) =>
    scenario.nodes.flatMap((nodes) => {
      const native = scenario.waiting.filter((waiting) => waiting === "sleep" || nodes <= machineCores);
      const ways = conditions(
        seenBy.includes("native") ? native : [],
        seenBy.includes("javascript") ? ["promise"] : [],
        cores,
      );
      return ways.map((one) => {
        const id = `${partOf(kind, suite)}/n${nodes}/${one.waiting}/${one.cores}/${round}`;
        return { ...one, id, nodes };
      });
    }),
  );
}

export interface AddDiskPlan extends MatrixPoint {
  readonly id: string;
  readonly outcome: AddDiskScenario["outcomes"][number];
}

export interface RecoveryPlan extends MatrixPoint {
  readonly id: string;
  readonly dirtyChunks: number;
}

/** Every configuration once a round. */
export function expandAddDisk(scenario: AddDiskScenario): AddDiskPlan[] {
  return rounds(scenario.trials, (round) =>
    matrix(scenario).flatMap(({ nodes, chunkBytes }) =>
      scenario.outcomes.map((outcome) => ({
        id: `${scenario.suite}/n${nodes}/c${chunkBytes}/${outcome}/${round}`,
        nodes,
        chunkBytes,
        outcome,
      })),
    ),
  );
}

/** Every configuration once a round. */
export function expandRecovery(scenario: RecoveryScenario): RecoveryPlan[] {
  return rounds(scenario.trials, (round) =>
    matrix(scenario).flatMap(({ nodes, chunkBytes }) =>
      scenario.dirtyChunks.map((dirtyChunks) => ({
        id: `${scenario.suite}/n${nodes}/c${chunkBytes}/d${dirtyChunks}/${round}`,
        nodes,
        chunkBytes,
        dirtyChunks,
      })),
    ),
  );
}

function matrix(scenario: {
  readonly nodes: readonly number[];
  readonly chunkBytes: readonly number[];
}): MatrixPoint[] {
  return scenario.nodes.flatMap((nodes) => scenario.chunkBytes.map((chunkBytes) => ({ nodes, chunkBytes })));
}

/** A suite of several parts has the kind of each in its trials' names. */
function partOf(kind: string, suite: string): string {
  return suite === kind ? suite : `${suite}/${kind}`;
}

function rounds<T>(count: number, one: (round: number) => readonly T[]): T[] {
  return Array.from({ length: count }, (_, index) => one(index + 1)).flat();
}

function conditions(
  native: readonly ("sleep" | "spin")[],
  javascript: readonly ("promise" | "sync")[],
  cores: readonly ("idle" | "busy")[],
): LatencyConditions[] {
  return [
    ...native.flatMap((waiting) => cores.map((one) => ({ seenBy: "native" as const, waiting, cores: one }))),
    ...javascript.flatMap((waiting) =>
      cores.map((one) => ({ seenBy: "javascript" as const, waiting, cores: one })),
    ),
  ];
}
