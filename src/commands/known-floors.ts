/** The noise floors that a comparison goes by: those of a named file, or of the one beside the results. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { machineDifferences } from "../compare/comparability.js";
import type { NamedResult } from "../compare/compare-results.js";
import { SlotmarkError } from "../errors.js";
import { CALIBRATION_FILE, type Calibration, readCalibration } from "../results/calibration.js";

export interface KnownFloors {
  readonly calibration: Calibration | null;
  readonly notes: readonly string[];
}

/** @throws SlotmarkError `calibration-of-another-machine` (incomparable) where a file that was named is not of HEAD's machine */
export function floorsFor(
  head: NamedResult,
  options: { readonly calibration?: string; readonly anyway?: boolean },
): KnownFloors {
  const file =
    options.calibration ?? [join(dirname(head.name), CALIBRATION_FILE), CALIBRATION_FILE].find(existsSync);
  if (file === undefined) return { calibration: null, notes: [] };
  const calibration = readCalibration(file);
  const when = calibration.createdAt.slice(0, 10);
  const differences = machineDifferences(calibration, head.result);
  if (differences.length === 0)
    return { calibration, notes: [`Noise floors are those of ${file}, measured on ${when}.`] };
  const fields = differences.map((one) => `${one.field} ${one.base}, here ${one.head}`).join("; ");
  const what = `${file} holds the noise floors of another machine than ${head.name} is of (${fields})`;
  if (options.calibration !== undefined && options.anyway !== true) {
    throw new SlotmarkError(
      "incomparable",
      "calibration-of-another-machine",
      what,
      "Calibrate the machine that the results are of; --anyway takes these floors all the same.",
    );
  }
  if (options.calibration !== undefined)
    return { calibration, notes: [`${what}; used all the same (--anyway).`] };
  return { calibration: null, notes: [`${what}; they are not used.`] };
}
