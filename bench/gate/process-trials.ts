/** A few trials by a process of their own, slowed down or not. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { OWN_MAIN } from "../../src/commands/child-run.js";
import { whyUnused } from "../../src/compare/variants.js";
import type { Result, Trial } from "../../src/results/schema.js";
import { readResult } from "../../src/results/store.js";
import type { GateRuns } from "./scenario.js";
import { SLOWDOWN_VARIABLE, type Slowdown } from "./slowdown.js";

const run = promisify(execFile);
const PRELOAD = new URL("slowdown.js", import.meta.url).href;
/** Of one process: its start takes longer than a trial. */
const TRIALS_OF_A_PROCESS = 4;

export interface SettledTrials {
  /** By their place in the process; null: it had not settled, and compare would not use it either. */
  readonly trials: readonly (Trial | null)[];
  readonly environment: Result["environment"];
}

export async function settledTrials(
  { args, folder }: GateRuns,
  slowdown: Slowdown | null,
): Promise<SettledTrials> {
  const out = join(folder, "trials.json");
  const count = ["--trials", String(TRIALS_OF_A_PROCESS)];
  // The preload is there on both sides, so that it is no difference between them.
  const command = ["--import", PRELOAD, OWN_MAIN, "run", ...args, ...count, "--quiet", "--out", out];
  const asked = slowdown === null ? {} : { [SLOWDOWN_VARIABLE]: JSON.stringify(slowdown) };
  await run(process.execPath, command, { env: { ...process.env, ...asked } });
  const { trials, environment } = readResult(out);
  return { trials: trials.map((trial) => (whyUnused(trial) === null ? trial : null)), environment };
}
