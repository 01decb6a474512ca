/**
 * What a run over several machines measures (`--dlm kernel`): one slotmark process a machine, and each does all of it in its turn.
 */
import { z } from "zod";
import { lockScenarioSchema, messageScenarioSchema } from "./schema.js";

const machines = z
  .array(z.number().int().positive().max(64))
  .length(1)
  .describe("Machines that take part: one number");

export const clusterLockScenarioSchema = z.strictObject({
  kind: z.literal("clusterLocks").describe("What a lock of the kernel's DLM costs each machine"),
  suite: z.string().min(1),
  nodes: machines,
  valueBlock: lockScenarioSchema.shape.valueBlock,
  cores: lockScenarioSchema.shape.cores,
  trials: lockScenarioSchema.shape.trials,
  timeMs: z.number().int().positive().describe("Time of a machine's turn in a trial, ms"),
});

export const clusterMessageScenarioSchema = z.strictObject({
  kind: z.literal("clusterMessages").describe("What a broadcast of each machine to all others costs"),
  suite: z.string().min(1),
  nodes: machines.refine(([count = 0]) => count >= 2, "expected at least 2: one sends, all others receive"),
  variant: messageScenarioSchema.shape.variant,
  cores: messageScenarioSchema.shape.cores,
  trials: messageScenarioSchema.shape.trials,
  timeMs: z.number().int().positive().describe("Time for which a machine sends in a trial, ms"),
});

export const clusterScenarioSchema = z.discriminatedUnion("kind", [
  clusterLockScenarioSchema,
  clusterMessageScenarioSchema,
]);

export type ClusterLockScenario = z.infer<typeof clusterLockScenarioSchema>;
export type ClusterMessageScenario = z.infer<typeof clusterMessageScenarioSchema>;
export type ClusterScenario = z.infer<typeof clusterScenarioSchema>;

const LOCKS: Omit<ClusterLockScenario, "nodes"> = {
  kind: "clusterLocks",
  suite: "locks",
  valueBlock: [false, true],
  cores: ["idle", "busy"],
  trials: 3,
  timeMs: 1000,
};

const MESSAGES: Omit<ClusterMessageScenario, "nodes"> = {
  kind: "clusterMessages",
  suite: "messages",
  variant: "safe",
  cores: ["idle", "busy"],
  trials: 3,
  timeMs: 1000,
};

/** Suites that can be run over several machines; the number of these is the user's to say. */
export const clusterSuites = { locks: LOCKS, messages: MESSAGES } as const;

/** How a machine's locks are measured: alone, its own machine or another deciding on them, or in line with all others. */
export type LockSituation = "local" | "remote" | "contended";

/** Whether the machines' cores may go idle while threads wait. */
export type ClusterCores = ClusterLockScenario["cores"][number];

export interface ClusterLockPlan {
  readonly id: string;
  readonly valueBlock: boolean;
  readonly situation: LockSituation;
  readonly cores: ClusterCores;
}

/** In the order in which all machines take them. */
export function expandClusterLocks(scenario: ClusterLockScenario): ClusterLockPlan[] {
  const { suite, nodes, valueBlock: valueBlocks, cores: allCores, trials } = scenario;
  const [machines = 1] = nodes;
  const situations: LockSituation[] = machines > 1 ? ["local", "remote", "contended"] : ["local"];
  return rounds(trials).flatMap((round) =>
    valueBlocks.flatMap((valueBlock) =>
      situations.flatMap((situation) =>
        allCores.map((cores) => ({
          id: `${suite}/n${machines}/${valueBlock ? "lvb" : "bare"}/${situation}/${cores}/${round}`,
          valueBlock,
          situation,
          cores,
        })),
      ),
    ),
  );
}

export interface ClusterMessagePlan {
  readonly id: string;
  /** Who sends, counted from 0 in the order of slots. */
  readonly sender: number;
  readonly cores: ClusterCores;
}

export function expandClusterMessages(scenario: ClusterMessageScenario): ClusterMessagePlan[] {
  const { suite, nodes, cores: allCores, trials } = scenario;
  const [machines = 1] = nodes;
  return rounds(trials).flatMap((round) =>
    Array.from({ length: machines }, (_, sender) => sender).flatMap((sender) =>
      allCores.map((cores) => ({
        id: `${suite}/n${machines}/from${sender}/${cores}/${round}`,
        sender,
        cores,
      })),
    ),
  );
}

function rounds(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
