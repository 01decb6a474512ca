/** The results of a folder in the order in which they were measured: a history. What is no result is left out, and named. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SlotmarkError } from "../errors.js";
import { fileError } from "./atomic-file.js";
import { CALIBRATION_FILE } from "./calibration.js";
import type { Result } from "./schema.js";
import { readResult } from "./store.js";

export interface History {
  /** Oldest first. */
  readonly results: readonly { readonly name: string; readonly result: Result }[];
  /** Files ending in .json that could not be read as results, and why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** @throws SlotmarkError `path-unusable` where the folder cannot be read, `history-empty` (nothing) where it holds no result */
export function readHistory(folder: string): History {
  const results: { name: string; result: Result }[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const file of jsonFiles(folder)) {
    const name = join(folder, file);
    try {
      results.push({ name, result: readResult(name) });
    } catch (error) {
      if (!(error instanceof SlotmarkError)) throw error;
      skipped.push({ name, reason: error.message });
    }
  }
  if (results.length === 0) {
    const others = skipped.map(({ reason }) => reason).join("; ");
    throw new SlotmarkError(
      "nothing",
      "history-empty",
      `${folder} holds no result${others === "" ? ": no file of it ends in .json" : ` (${others})`}`,
      "Keep the results of runs (slotmark run --out) in one folder, and name that.",
    );
  }
  results.sort(
    (a, b) =>
      Date.parse(a.result.createdAt) - Date.parse(b.result.createdAt) || a.name.localeCompare(b.name, "en"),
  );
  return { results, skipped };
}

/** The machine's noise floors lie among its results, and are none. */
function jsonFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(".json") && file !== CALIBRATION_FILE)
      .sort();
  } catch (error) {
    throw fileError("reading", folder, error);
  }
}
