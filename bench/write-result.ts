/** The one writer of `results/NAME.json`: who measured what, where, and then the figures. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { captureEnvironment } from "../src/measure/environment.js";
import { slotmarkIdentity } from "../src/measure/identity.js";
import { writeFileAtomically } from "../src/results/atomic-file.js";

interface ResultOptions {
  /** Instead of `results/NAME.json`. */
  readonly path?: string | undefined;
  /** Files and devices that were written to. */
  readonly environmentOf?: readonly string[];
}

/** @returns where it was written */
export function writeBenchmarkResult(
  benchmark: string,
  figures: object,
  { path, environmentOf = [] }: ResultOptions = {},
): string {
  const target = path ?? fileURLToPath(new URL(`../../results/${benchmark}.json`, import.meta.url));
  mkdirSync(dirname(target), { recursive: true });
  const head = { benchmark, slotmark: slotmarkIdentity(), createdAt: new Date().toISOString() };
  const text = JSON.stringify(
    { ...head, ...figures, environment: captureEnvironment(environmentOf) },
    null,
    1,
  );
  writeFileAtomically(target, `${text}\n`);
  return target;
}
