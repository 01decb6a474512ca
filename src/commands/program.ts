/**
 * The program: its global options and its commands, each from its own file. It parses nothing and exits nowhere by
 * itself; commander's own exits and messages come back to main.ts as errors.
 */
import { Command } from "commander";
import { slotmarkVersion } from "../measure/identity.js";
import { registerCalibrate } from "./calibrate.js";
import { registerCompare } from "./compare.js";
import { registerCreate } from "./create.js";
import { registerDoctor } from "./doctor.js";
import { registerExamine } from "./examine.js";
import { registerMerge } from "./merge.js";
import { registerReplay } from "./replay.js";
import { registerReport } from "./report.js";
import { registerRun } from "./run.js";
import { registerSchema } from "./schema.js";

/** Every command's register function, in the order of `--help`. */
const REGISTER: readonly ((program: Command) => void)[] = [
  registerRun,
  registerCompare,
  registerCreate,
  registerExamine,
  registerReplay,
  registerReport,
  registerMerge,
  registerDoctor,
  registerCalibrate,
  registerSchema,
];

export async function buildProgram(): Promise<Command> {
  const program = new Command("slotmark")
    .description("Measures what a clustered md array costs: slot bitmaps, locks and messages.")
    .version(slotmarkVersion())
    .option("--json", "print exactly one JSON document on stdout")
    .option("--quiet", "no progress and no set-up talk")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  // Subcommands copy these settings when they are created, so they come after them.
  for (const register of REGISTER) register(program);
  return program;
}
