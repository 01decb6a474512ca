/**
 * The calibration file: by how much figures differ on this machine when nothing has changed. `slotmark calibrate` writes it beside the
 * results, `slotmark compare` reads it. An interface: `slotmark schema calibration` prints it.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { environmentSchema } from "../measure/environment-schema.js";
import { fileError, writeFileAtomically } from "./atomic-file.js";
import { resultSchema, trialSchema } from "./schema.js";
import { parseChecked, refuseNewer } from "./validation.js";

export const CALIBRATION_VERSION = 1;
/** In the folder of the results that it is for. */
export const CALIBRATION_FILE = "slotmark-calibration.json";

const percent = z.number().nonnegative();

export const noiseFloorSchema = z.strictObject({
  suite: trialSchema.shape.suite,
  phase: trialSchema.shape.phase,
  labels: trialSchema.shape.labels,
  metric: z.string().min(1),
  figure: z.enum(["value", "mean", "p50", "p90", "p99", "p999", "max"]),
  trials: z.int().positive().describe("Trials of all runs that this floor is from"),
  trialsPerSide: z.int().positive().describe("Trials in each of the two samples that were compared"),
  withinPercent: percent.describe(
    "Of the changes between two samples drawn at random from all runs' trials, the share `quantile` is smaller; with `confidence`, for so few trials may lie close together by luck",
  ),
  betweenRunsPercent: percent.describe(
    "The largest change between two whole runs: what time does to the machine",
  ),
  floorPercent: percent.describe("The larger of both: a smaller change is the machine's own"),
});

export const calibrationSchema = z
  .strictObject({
    calibrationVersion: z.literal(CALIBRATION_VERSION),
    slotmark: resultSchema.shape.slotmark,
    createdAt: z.iso.datetime(),
    environment: environmentSchema.describe("The machine that the floors are of, and of no other"),
    backends: resultSchema.shape.backends,
    runs: z.int().min(2).describe("A/A runs, each by a process of its own"),
    quantile: z.number().gt(0).lt(1),
    confidence: z.number().gt(0).lt(1),
    resamples: z.int().positive().describe("Bootstrap resamples of the trials behind withinPercent"),
    draws: z.int().positive().describe("Random pairs of samples drawn from each resample"),
    seed: z.int().nonnegative(),
    preflush: z
      .strictObject({
        latencyNs: z
          .number()
          .describe("What preflush-fua takes longer than fua: median of the plugs that wrote a page"),
        lowNs: z.number(),
        highNs: z.number(),
        trials: z.int().positive().describe("Of each durability"),
      })
      .nullable()
      .describe("The flush before a bitmap page, which md's own bio does not need; null: not measured"),
    floors: z.array(noiseFloorSchema),
  })
  .meta({ title: "slotmark calibration", description: "The noise floors of one machine" });

export type NoiseFloorRecord = z.infer<typeof noiseFloorSchema>;
export type Calibration = z.infer<typeof calibrationSchema>;

const REMEDY = "Name a file that slotmark calibrate wrote, or calibrate this machine anew.";

/** @throws SlotmarkError `path-unusable`, `json-malformed`, `schema-newer`, `schema-mismatch` */
export function readCalibration(path: string): Calibration {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("reading", path, error);
  }
  refuseNewer(text, path, "calibrationVersion", CALIBRATION_VERSION);
  return parseChecked(calibrationSchema, text, path, REMEDY);
}

/** @throws SlotmarkError `path-unusable` (input), `file-failed` (device) */
export function writeCalibration(path: string, calibration: Calibration): void {
  writeFileAtomically(path, `${JSON.stringify(calibrationSchema.parse(calibration), null, 2)}\n`);
}
