/** Which chunk to use, as a result file says it; `src/compare/chunk-advice.ts` derives it from the trials. */
import { z } from "zod";

const share = z.number().min(0).max(1);

export const chunkPointSchema = z.strictObject({
  chunkBytes: z.int().positive(),
  taxPercent: z
    .strictObject({ median: z.number(), low: z.number(), high: z.number(), confidence: share })
    .describe("bitmap_tax_percent: median over pairs and its interval"),
  pairs: z.int().positive(),
  leftOut: z
    .int()
    .nonnegative()
    .describe("Pairs that give no advice: the bitmap had not settled, or a member had failed"),
  dirtyBytes: z
    .strictObject({ mean: z.number(), max: z.number() })
    .describe("What the crash of a node would resync: medians over trials of dirty_bytes' mean and max"),
});

export const chunkAdviceSchema = z.strictObject({
  setting: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe(
      "What the advice holds for: nodes, workload, working set, rate and all else that the trials had in common",
    ),
  offeredPerSecond: z.number().describe("Writes a second of the whole cluster, median over trials"),
  points: z.array(chunkPointSchema).min(2).describe("By chunk, ascending"),
  verdict: z
    .enum(["use", "doesNotMatter", "undecided"])
    .describe(
      "use: at least 95 % of resamples name this chunk. doesNotMatter: in at least 95 % all taxes lie within two percentage points, so " +
        "that bytes to resync alone decide. undecided: the chunk is the likeliest, and more trials would tell",
    ),
  chunkBytes: z.int().positive().describe("The chunk to use"),
  shares: z
    .array(z.strictObject({ chunkBytes: z.int().positive(), share }))
    .describe("Every chunk that some resample names, with its share, the likeliest first"),
  kneeChunkBytes: z
    .int()
    .positive()
    .nullable()
    .describe("Where the curve bends most; null where it has no bend"),
});

export type ChunkPoint = z.infer<typeof chunkPointSchema>;
export type ChunkAdvice = z.infer<typeof chunkAdviceSchema>;
