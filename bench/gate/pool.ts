/** What a recording keeps: of every trial the figures that compare judges by, and of the machine what it was doing. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DEFAULT_METRICS } from "../../src/compare/metric-figures.js";
import { environmentSchema } from "../../src/measure/environment-schema.js";
import { noiseFloorSchema } from "../../src/results/calibration.js";
import { resultSchema, type Trial } from "../../src/results/schema.js";
import { parseChecked } from "../../src/results/validation.js";
import { SLOWED } from "./slowdown.js";

/** Slowdowns are so many times the noise floor of the median write. */
export const TIMES_FLOOR = [1.5, 2.5, 5] as const;
/** Pairs of processes of a round in which neither is slowed down. */
export const EQUAL_PAIRS = 2;
/**
 * Each slowdown is recorded in these parts of its size, of which the nearest to what was wanted is judged: processes of the same build
 * lie by some percent of a write apart, so that sizing alone missed 1.5 noise floors by more than a tenth four times of six.
 */
export const SIZE_STEPS = [0.87, 1, 1.15] as const;

const slowedSchema = z.enum(SLOWED);

const poolTrialSchema = z.strictObject({
  round: z.int().nonnegative(),
  /** Of two processes that ran next to each other; one of them is slowed down, or none. */
  pair: z.int().nonnegative(),
  /** In its process. */
  place: z.int().nonnegative(),
  /** Index of `slowdowns`; null: slotmark as it is. */
  slowdown: z.int().nonnegative().nullable(),
  startedAt: z.iso.datetime(),
  /** In the order of `figures`. */
  values: z.array(z.number().nonnegative()),
  /** Share of all CPU time that other processes took. */
  otherCpuShare: z.number().nullable(),
});

const poolSchema = z.strictObject({
  benchmark: z.literal("gate-pool"),
  slotmark: resultSchema.shape.slotmark,
  createdAt: z.iso.datetime(),
  scenario: z.record(z.string(), z.json()),
  backgroundLoad: z.strictObject({ periodMs: z.number().positive(), duty: z.number().positive() }),
  loadAverage: z.strictObject({ before: z.number(), after: z.number() }),
  minutes: z.number().positive(),
  figures: z.array(z.string()),
  calibration: z.strictObject({
    runs: z.int(),
    trialsPerRun: z.int(),
    floors: z.array(noiseFloorSchema),
  }),
  slowdowns: z.array(
    z.strictObject({
      where: slowedSchema,
      timesFloor: z.number().positive(),
      turns: z.int().positive(),
    }),
  ),
  variant: z.strictObject({
    suite: z.string(),
    phase: resultSchema.shape.trials.element.shape.phase,
    labels: resultSchema.shape.trials.element.shape.labels,
  }),
  /** Trials that had not settled, and are no samples. */
  unsettled: z.int().nonnegative(),
  trials: z.array(poolTrialSchema),
  environment: environmentSchema,
});

export type Pool = z.infer<typeof poolSchema>;
export type PoolTrial = z.infer<typeof poolTrialSchema>;

/** @throws SlotmarkError `json-malformed`, `schema-mismatch` */
export function readPool(path: string): Pool {
  return parseChecked(
    poolSchema,
    readFileSync(path, "utf8"),
    path,
    "Record one: npm run bench:gate -- record",
  );
}

/** Of each default metric its value, in their order. */
export function figureValues({ metrics }: Trial): number[] {
  return DEFAULT_METRICS.map((name) => {
    const [metric = "", figure = "value"] = name.split(":");
    const value = metrics[metric]?.[figure as "p50" | "p99" | "value"];
    if (value === undefined) throw new Error(`a trial without ${name}`);
    return value;
  });
}

export const MEDIAN_WRITE = "write_latency_ns:p50";
