/**
 * What a run is asked to measure: a matrix of arrays and workloads, and how each point is sampled. Lists are the matrix's axes.
 * The same schema checks a built-in suite, the command line and a YAML file.
 */
import { z } from "zod";
import { percentageSchema } from "./percentage.js";
import { isTrace, traceWorkloadSchema } from "./trace-workload.js";

const positiveInteger = z.number().int().positive();
const chunkBytes = positiveInteger.refine((bytes) => bytes >= 512 && Number.isInteger(Math.log2(bytes)), {
  message: "expected a power of two of at least 512 bytes",
});

/** A rate of writes as a scenario names it. */
const rate = z.union([z.enum(["closed", "recorded"]), z.number().positive(), percentageSchema], {
  error:
    "expected `closed`, writes a second, a percentage of the closed-loop maximum such as 10%, or `recorded` for a trace",
});

const workload = z.union([z.enum(["uniform", "zipf", "sequential"]), traceWorkloadSchema], {
  error: "expected uniform, zipf, sequential or trace:FILE",
});

const workingSet = z.union([z.literal("all"), positiveInteger, percentageSchema], {
  error: "expected `all`, a size, or a percentage of the array such as 10%",
});

export const bitmapScenarioSchema = z
  .strictObject({
    kind: z.literal("bitmap").describe("N nodes write an array, with and without a bitmap"),
    suite: z.string().min(1).describe("Name under which the trials appear"),
    nodes: z.array(positiveInteger.min(1).max(64)).nonempty().describe("Node counts"),
    chunkBytes: z.array(chunkBytes).nonempty().describe("Bitmap chunk sizes, bytes"),
    sizeBytes: positiveInteger.describe("Length of a member that slotmark makes, bytes"),
    memberCount: positiveInteger.min(2).max(8).describe("Members of the array"),
    workload: z
      .array(workload)
      .nonempty()
      .describe(
        "Which blocks are written: drawn, or as recorded in a block trace (fio iolog or blkparse text; relative to the scenario file). " +
          "Of a trace, working sets and lengths of writes are its own",
      ),
    workingSet: z
      .array(workingSet)
      .nonempty()
      .describe("Parts of the array that are written, from its start: all, bytes, or a percentage"),
    writeBytes: z
      .array(positiveInteger.multipleOf(4096).max(1 << 20))
      .nonempty()
      .describe("Lengths of an application write, bytes: multiples of 4096 up to 1 MiB"),
    plug: z.array(positiveInteger.max(1024)).nonempty().describe("Writes that a node submits together"),
    depth: z
      .int()
      .nonnegative()
      .max(1024)
      .describe("Data writes that a node has in flight at once on a member; 0: all of a plug"),
    rate: z
      .array(rate)
      .nonempty()
      .describe(
        "closed: closed loop. Else open loop: writes a second of the whole cluster, or a percentage of what a closed loop without " +
          "bitmap reaches, which is then measured first. recorded: a trace's own times; closed loop where it has none",
      ),
    overlap: z.boolean().describe("Let nodes write the same blocks"),
    durability: z
      .array(z.enum(["preflush-fua", "fua", "none"]))
      .nonempty()
      .describe("How bitmap pages are made durable"),
    dataSync: z.boolean(),
    variant: z.enum(["safe", "mainline", "original"]),
    kernel: z.enum(["6.1", "mainline"]),
    daemonSleepMs: positiveInteger.describe("Time between the bitmap's passes inside the process, ms"),
    phases: z
      .array(z.enum(["cold", "steady"]))
      .nonempty()
      .describe("cold: from clean chunks; steady: after the bits on disk have settled"),
    bitmap: z
      .enum(["paired", "on", "off"])
      .describe(
        "paired: each trial has a twin without a bitmap, next to it; on: none has, and there is no tax",
      ),
    priming: z
      .enum(["workingSet", "touched"])
      .describe(
        "What is written once before anything is timed. workingSet: all of it. touched: only the blocks that trials write, for sparse " +
          "arrays larger than the disk; writes of a node then begin anew after some daemon periods",
      ),
    trials: positiveInteger.max(10_000).describe("Trial pairs of each phase and matrix point"),
    timeMs: positiveInteger.describe("Measured time of a trial without its warm-up, ms"),
    warmupMs: positiveInteger.describe("Least warm-up, ms"),
    seed: z.number().int().nonnegative().max(0xffff_ffff),
  })
  .refine(({ workload, rate }) => !rate.includes("recorded") || workload.some(isTrace), {
    path: ["rate"],
    message: "only a trace has recorded times",
  });

export const lockScenarioSchema = z.strictObject({
  kind: z.literal("locks").describe("What a lock costs, inside native code and as JavaScript sees it"),
  suite: z.string().min(1).describe("Name under which the trials appear"),
  nodes: z
    .array(positiveInteger.min(1).max(64))
    .nonempty()
    .describe("1: uncontended; more: so many nodes want one resource"),
  valueBlock: z.array(z.boolean()).nonempty().describe("Whether operations carry a value block (LVB)"),
  waiting: z
    .array(z.enum(["sleep", "spin"]))
    .nonempty()
    .describe("What threads do that wait; spin needs a core a node"),
  cores: z
    .array(z.enum(["idle", "busy"]))
    .nonempty()
    .describe("Whether cores may go idle while threads wait, of native code or of JavaScript"),
  javascriptWaiting: z
    .array(z.enum(["promise", "sync"]))
    .describe(
      "How JavaScript waits: promises of the event loop, or asleep in native code; empty: native code alone",
    ),
  trials: positiveInteger.max(10_000).describe("Trials of each matrix point"),
  timeMs: positiveInteger.describe("Time of a trial, floors included, ms"),
  seed: z.number().int().nonnegative().max(0xffff_ffff),
});

export const messageScenarioSchema = z.strictObject({
  kind: z
    .literal("messages")
    .describe(
      "What a broadcast to the other nodes costs, step by step, in native code and as JavaScript sees it",
    ),
  suite: z.string().min(1).describe("Name under which the trials appear"),
  nodes: z.array(positiveInteger.min(2).max(64)).nonempty().describe("One sends, all others receive"),
  seenBy: z
    .array(z.enum(["native", "javascript"]))
    .nonempty()
    .describe("Where it is measured; JavaScript waits by promises of the event loop"),
  waiting: z
    .array(z.enum(["sleep", "spin"]))
    .nonempty()
    .describe("What threads of native code do that wait; spin needs a core a node"),
  cores: z
    .array(z.enum(["idle", "busy"]))
    .nonempty()
    .describe("Whether cores may go idle while threads wait"),
  variant: z
    .enum(["safe", "mainline", "original"])
    .describe("Whose order of locks; original deadlocks with two receivers"),
  trials: positiveInteger.max(10_000).describe("Trials of each matrix point"),
  timeMs: positiveInteger.describe("Time of a trial, floors included, ms"),
  seed: z.number().int().nonnegative().max(0xffff_ffff),
});

/** What the scenarios of a running cluster have in common: the array that each trial makes anew, and its nodes. */
const runningArray = {
  suite: z.string().min(1).describe("Name under which the trials appear"),
  nodes: z.array(positiveInteger.min(2).max(64)).nonempty().describe("Node counts, a worker thread each"),
  chunkBytes: z.array(chunkBytes).nonempty().describe("Bitmap chunk sizes, bytes"),
  sizeBytes: positiveInteger.describe("Length of a member that slotmark makes, bytes"),
  memberCount: positiveInteger.min(2).max(8).describe("Members of the array"),
  workingSetBytes: positiveInteger
    .nullable()
    .describe("Part of the array that is written, bytes; null: all of it"),
  durability: z.enum(["preflush-fua", "fua", "none"]),
  variant: z.enum(["safe", "mainline", "original"]),
  kernel: z.enum(["6.1", "mainline"]),
  daemonSleepMs: positiveInteger.describe("Time between the bitmap's passes inside the process, ms"),
  trials: positiveInteger.max(10_000).describe("Trials of each matrix point"),
  seed: z.number().int().nonnegative().max(0xffff_ffff),
};

export const addDiskScenarioSchema = z.strictObject({
  kind: z.literal("addDisk").describe("What adding a disk to a running array costs, step by step"),
  ...runningArray,
  outcomes: z
    .array(z.enum(["confirmed", "refused", "unanswered"]))
    .nonempty()
    .describe("All nodes see the disk; the last one does not; the last one does not answer"),
  newDeviceTimeoutMs: positiveInteger.describe("How long a node waits for the announced disk, ms"),
  eventCommand: z
    .string()
    .min(1)
    .nullable()
    .describe("Run by each node that is asked, as udev would (--on-event); null: none"),
  timeMs: positiveInteger.describe("Disks are added one after another for so long in a trial, ms"),
});

export const recoveryScenarioSchema = z.strictObject({
  kind: z.literal("recovery").describe("A node dies: what its slot's recovery and the resync cost"),
  ...runningArray,
  dirtyChunks: z.array(positiveInteger).nonempty().describe("Bits set in the slot of the node that dies"),
  writers: z.boolean().describe("The survivors write meanwhile, in closed loop"),
});

/** Every kind of scenario. */
export const scenarioKinds = [
  bitmapScenarioSchema,
  lockScenarioSchema,
  messageScenarioSchema,
  addDiskScenarioSchema,
  recoveryScenarioSchema,
] as const;

export const scenarioSchema = z.discriminatedUnion("kind", scenarioKinds);

export type BitmapScenario = z.infer<typeof bitmapScenarioSchema>;
export type LockScenario = z.infer<typeof lockScenarioSchema>;
export type MessageScenario = z.infer<typeof messageScenarioSchema>;
export type AddDiskScenario = z.infer<typeof addDiskScenarioSchema>;
export type RecoveryScenario = z.infer<typeof recoveryScenarioSchema>;
export type Scenario = z.infer<typeof scenarioSchema>;
export type Rate = BitmapScenario["rate"][number];
export type WorkingSet = BitmapScenario["workingSet"][number];
export type Phase = BitmapScenario["phases"][number];
