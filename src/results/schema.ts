/**
 * The result file: one run's trials with everything needed to judge them. An interface: scripts read it, and
 * `slotmark schema result` prints it. A change that an old reader would misread raises SCHEMA_VERSION.
 */
import { z } from "zod";
import { environmentSchema } from "../measure/environment-schema.js";
import { chunkAdviceSchema } from "./chunk-advice-schema.js";

export const SCHEMA_VERSION = 1;

/** `write_latency_ns`, or with what it is split by in braces: `bitmap_page_writes_per_write{cause=daemon}`. */
const metricName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*(\{[^{}]+\})?$/, "expected a name such as write_latency_ns");
const histogramRef = z.string().min(1);

export const metricSchema = z
  .strictObject({
    unit: z.string().min(1).describe("Unit of every figure here: ns, writes/s, percent, bytes, ratio"),
    direction: z.enum(["lower", "higher"]).describe("Which way is better"),
    value: z
      .number()
      .optional()
      .describe("The figure itself where the trial gives one number: a rate, a share"),
    p50: z.number().optional(),
    p90: z.number().optional(),
    p99: z.number().optional(),
    p999: z.number().optional(),
    max: z.number().optional(),
    mean: z.number().optional(),
    count: z.int().nonnegative().describe("Observations behind the figures"),
  })
  .refine(
    (metric) => (metric.value ?? metric.p50 ?? metric.mean) !== undefined,
    "expected at least one of value, p50, mean",
  );

export const trialSchema = z.strictObject({
  id: z.string().min(1),
  pair: z
    .int()
    .nonnegative()
    .nullable()
    .describe("Trials of one pair ran next to each other, one with a bitmap and one without; null: unpaired"),
  suite: z.string().min(1),
  labels: z
    .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
    .describe("What sets this trial's variant apart: nodes, chunk, bitmap, rate, …"),
  phase: z.enum(["cold", "steady", "hot", "notSteady"]),
  startedAt: z.iso.datetime(),
  durationNs: z.number().nonnegative(),
  metrics: z.record(metricName, metricSchema),
  histograms: z.record(metricName, histogramRef).describe("Metric name to a key of the file's histograms"),
});

export const warningSchema = z.strictObject({ code: z.string().min(1), text: z.string().min(1) });

/** Of a run over several machines, which each write a file of their own; `slotmark merge` makes one of them. */
export const clusterSchema = z.strictObject({
  run: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "expected 16 hexadecimal digits")
    .describe("The same in the files of all machines of one run, and in no others"),
  arrayUuid: z.string().min(1).describe("The array whose lockspace the machines met in"),
  nodes: z.int().positive().describe("Machines that took part"),
  machines: z
    .array(
      z.strictObject({
        node: z.int().nonnegative().describe("Its slot, as in the label node of its trials"),
        environment: environmentSchema,
      }),
    )
    .nonempty()
    .describe("Whose trials are here: one machine, or after a merge all of them"),
});

const runFields = {
  schemaVersion: z.literal(SCHEMA_VERSION),
  slotmark: z.strictObject({ version: z.string().min(1), commit: z.string().min(1) }),
  createdAt: z.iso.datetime(),
  environment: environmentSchema.describe("The machine; of several, that of the first node"),
  scenario: z
    .record(z.string(), z.json())
    .describe("The scenario as it was run, with every default filled in"),
  scenarioHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits")
    .describe("Equal for equal work, whatever the members' paths or slotmark's version"),
  backends: z.strictObject({
    dlm: z.enum(["none", "embedded", "kernel"]).describe("none: the trials took no locks"),
    io: z.enum(["none", "uring", "psync"]),
    members: z
      .enum(["none", "parallel", "serial"])
      .describe("serial: members are written one after another, so latencies are sums over members"),
  }),
  variant: z.enum(["safe", "mainline", "original"]),
  kernel: z.enum(["6.1", "mainline"]),
  durabilityModel: z.string().min(1),
  cluster: clusterSchema.optional().describe("Of a run over several machines (--dlm kernel)"),
};

const encodedHistograms = z
  .record(histogramRef, z.base64())
  .describe("HDR histograms in V2 compressed encoding, base64, by the keys that trials name");

export const resultSchema = z
  .strictObject({
    ...runFields,
    trials: z.array(trialSchema),
    histograms: encodedHistograms,
    chunkAdvice: z
      .array(chunkAdviceSchema)
      .optional()
      .describe(
        "Of a run in open loop with several chunk sizes: which one to use, for each rate and working set",
      ),
    warnings: z.array(warningSchema),
  })
  .superRefine((result, context) => {
    const seen = new Set<string>();
    result.trials.forEach((trial, index) => {
      if (seen.has(trial.id)) {
        context.addIssue({
          code: "custom",
          path: ["trials", index, "id"],
          message: `"${trial.id}" is another trial's id as well`,
        });
      }
      seen.add(trial.id);
      for (const [metric, ref] of Object.entries(trial.histograms)) {
        if (Object.hasOwn(result.histograms, ref)) continue;
        context.addIssue({
          code: "custom",
          path: ["trials", index, "histograms", metric],
          message: `"${ref}" is not among the file's histograms`,
        });
      }
    });
  })
  .meta({ title: "slotmark result", description: "One run: its trials and everything needed to judge them" });

/** First line of a journal: what a result says before its trials. */
export const journalHeaderSchema = z.strictObject({ journal: z.literal("slotmark"), ...runFields });

/** Every further line of a journal: a trial, and the histograms that it refers to. */
export const journalLineSchema = z.strictObject({
  ...trialSchema.shape,
  encodedHistograms,
});

export type Metric = z.infer<typeof metricSchema>;
export type Trial = z.infer<typeof trialSchema>;
export type Warning = z.infer<typeof warningSchema>;
export type ClusterRun = z.infer<typeof clusterSchema>;
export type Result = z.infer<typeof resultSchema>;
export type JournalHeader = z.infer<typeof journalHeaderSchema>;
/** Base64 of HDR V2 by REF. */
export type EncodedHistograms = z.infer<typeof encodedHistograms>;

/** The key of one trial's histogram of one metric; unique within a file since trial ids are. */
export function histogramKey(trialId: string, metric: string): string {
  return `${trialId}/${metric}`;
}
