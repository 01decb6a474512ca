/** The built-in suites, complete scenarios by name. */
import { SlotmarkError } from "../errors.js";
import { bitmap, chunkSweep, nodeScaling, quick } from "./bitmap-suites.js";
import type { AddDiskScenario, LockScenario, MessageScenario, RecoveryScenario, Scenario } from "./schema.js";

export interface Suite {
  readonly summary: string;
  /** Whether its numbers may decide over a release. */
  readonly forGating: boolean;
  /** What it measures, one after another; the first is what its options are about before all. */
  readonly scenarios: readonly [Scenario, ...Scenario[]];
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const locks: LockScenario = {
  kind: "locks",
  suite: "locks",
  nodes: [1, 2, 4, 16, 64],
  valueBlock: [false, true],
  waiting: ["sleep", "spin"],
  cores: ["idle", "busy"],
  javascriptWaiting: ["promise", "sync"],
  trials: 3,
  timeMs: 1000,
  seed: 1,
};

/** A little of the suite: the lock of a single node, and two that hand one to and fro. */
const quickLocks: LockScenario = {
  ...locks,
  suite: quick.suite,
  nodes: [1, 2],
  valueBlock: [false],
  waiting: ["sleep"],
  javascriptWaiting: ["promise"],
  timeMs: 100,
};

export const messages: MessageScenario = {
  kind: "messages",
  suite: "messages",
  nodes: [2, 3, 4, 8, 16, 64],
  seenBy: ["native", "javascript"],
  waiting: ["sleep", "spin"],
  cores: ["idle", "busy"],
  variant: "safe",
  trials: 3,
  timeMs: 1000,
  seed: 1,
};

/** A little of the suite: broadcasts to one node, and in a cluster as large as that which writes. */
const quickMessages: MessageScenario = {
  ...messages,
  suite: quick.suite,
  nodes: [2, 4],
  waiting: ["sleep"],
  timeMs: 100,
};

const runningArray = {
  chunkBytes: [64 * KIB],
  memberCount: 2,
  workingSetBytes: null,
  durability: "preflush-fua",
  variant: "safe",
  kernel: "mainline",
  daemonSleepMs: 5000,
  seed: 1,
} as const;

export const addDisk: AddDiskScenario = {
  ...runningArray,
  chunkBytes: [...runningArray.chunkBytes],
  kind: "addDisk",
  suite: "add-disk",
  nodes: [2, 3, 4, 8, 16],
  sizeBytes: 64 * MIB,
  outcomes: ["confirmed", "refused", "unanswered"],
  newDeviceTimeoutMs: 250,
  eventCommand: null,
  trials: 3,
  timeMs: 1000,
};

export const recovery: RecoveryScenario = {
  ...runningArray,
  kind: "recovery",
  suite: "recovery",
  nodes: [2, 4, 8],
  chunkBytes: [64 * KIB, 1024 * KIB],
  sizeBytes: 512 * MIB,
  dirtyChunks: [1, 64, 448],
  writers: true,
  trials: 3,
};

export const suites: ReadonlyMap<string, Suite> = new Map([
  [
    "quick",
    {
      summary:
        "what the bitmap costs from a cold start and in the steady state, and a little of locks and messages; not for gating",
      forGating: false,
      scenarios: [quick, quickLocks, quickMessages],
    },
  ],
  [
    "bitmap",
    {
      summary:
        "what the bitmap costs in closed loop, cold and steady, by workload, chunk and plug size, with passes every 500 ms",
      forGating: true,
      scenarios: [bitmap],
    },
  ],
  [
    "chunk-sweep",
    {
      summary:
        "which chunk to use: what the bitmap costs writes against what a crash would resync, by chunk size, at 1, 10 and 50 % of the most that the members take, over all and a tenth of 100 GiB",
      forGating: true,
      scenarios: [chunkSweep],
    },
  ],
  [
    "node-scaling",
    {
      summary: "what 1 to 64 nodes cost one another: writes and bitmap in closed loop, by node count",
      forGating: true,
      scenarios: [nodeScaling],
    },
  ],
  [
    "locks",
    {
      summary:
        "what a DLM lock costs: requests, all conversions, unlocks; alone and contended by 2 to 64 nodes; in native code and as JavaScript sees it",
      forGating: true,
      scenarios: [locks],
    },
  ],
  [
    "messages",
    {
      summary:
        "what a broadcast to 1 to 63 other nodes costs, by token, message and acknowledgement; in native code and as JavaScript sees it",
      forGating: true,
      scenarios: [messages],
    },
  ],
  [
    "add-disk",
    {
      summary:
        "what adding a disk to a running array costs, step by step: with 2 to 16 nodes, confirmed, refused and unanswered",
      forGating: true,
      scenarios: [addDisk],
    },
  ],
  [
    "recovery",
    {
      summary:
        "a node dies: time to each phase of its recovery, by dirty bits, chunk and node count, and how long writers stood still",
      forGating: true,
      scenarios: [recovery],
    },
  ],
]);

export function suiteNamed(name: string): Suite {
  const suite = suites.get(name);
  if (suite === undefined) {
    throw new SlotmarkError(
      "usage",
      "unknown-suite",
      `there is no suite named ${JSON.stringify(name)}`,
      `choose one of: ${[...suites.keys()].join(", ")} (\`slotmark run --list\` describes them), or name a scenario file (.yaml)`,
    );
  }
  return suite;
}
