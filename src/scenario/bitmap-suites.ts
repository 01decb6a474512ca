/** The built-in suites in which nodes write an array, with and without a bitmap. */
import type { BitmapScenario } from "./schema.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const quick: BitmapScenario = {
  kind: "bitmap",
  suite: "quick",
  nodes: [4],
  chunkBytes: [64 * KIB],
  sizeBytes: 1024 * MIB,
  memberCount: 2,
  workload: ["uniform"],
  workingSet: [512 * MIB],
  writeBytes: [4 * KIB],
  plug: [1],
  depth: 0,
  rate: ["closed"],
  overlap: false,
  durability: ["preflush-fua"],
  dataSync: false,
  variant: "safe",
  kernel: "mainline",
  daemonSleepMs: 500,
  phases: ["cold", "steady"],
  bitmap: "paired",
  priming: "workingSet",
  trials: 6,
  timeMs: 1500,
  warmupMs: 500,
  seed: 1,
};

/** Trials are the unit of statistics: so many tell a change of a few percent. */
const TRIALS = 12;

export const bitmap: BitmapScenario = {
  ...quick,
  suite: "bitmap",
  chunkBytes: [64 * KIB, 4 * MIB],
  workload: ["uniform", "sequential"],
  plug: [1, 32],
  trials: TRIALS,
};

export const nodeScaling: BitmapScenario = {
  ...quick,
  suite: "node-scaling",
  nodes: [1, 2, 4, 8, 16, 32, 64],
  phases: ["steady"],
  trials: TRIALS,
};

/**
 * Open loop, for at full speed every chunk of a small array is rewritten within one pass, and all chunk sizes look alike. The
 * chunks are those that mdadm makes at this size. Six pairs are the fewest whose median has a 95 % interval.
 */
export const chunkSweep: BitmapScenario = {
  ...quick,
  suite: "chunk-sweep",
  chunkBytes: [256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB],
  sizeBytes: 100 * GIB,
  workingSet: ["all", "10%"],
  rate: ["1%", "10%", "50%"],
  daemonSleepMs: 5000,
  phases: ["steady"],
  priming: "touched",
  trials: 6,
  timeMs: 5000,
};
