/**
 * The program: its global options and its commands, each from its own file. It parses nothing and exits nowhere by
 * itself; commander's own exits and messages come back to main.ts as errors.
 */
import { Command } from "commander";
import { slotmarkVersion } from "../measure/identity.js";

type Register = (program: Command) => void;

/** Every command's register function, in the order of `--help`, loaded when it is needed: loading all takes longer than a small run. */
const REGISTER: Readonly<Record<string, () => Promise<Register>>> = {
  run: async () => (await import("./run.js")).registerRun,
  compare: async () => (await import("./compare.js")).registerCompare,
  ab: async () => (await import("./ab.js")).registerAb,
  trend: async () => (await import("./trend.js")).registerTrend,
  create: async () => (await import("./create.js")).registerCreate,
  examine: async () => (await import("./examine.js")).registerExamine,
  replay: async () => (await import("./replay.js")).registerReplay,
  report: async () => (await import("./report.js")).registerReport,
  merge: async () => (await import("./merge.js")).registerMerge,
  doctor: async () => (await import("./doctor.js")).registerDoctor,
  calibrate: async () => (await import("./calibrate.js")).registerCalibrate,
  schema: async () => (await import("./schema.js")).registerSchema,
};

/** @param first what the command line begins with: a command that is named there is the only one that is loaded */
export async function buildProgram(first?: string): Promise<Command> {
  const program = new Command("slotmark")
    .description("Measures what a clustered md array costs: slot bitmaps, locks and messages.")
    .version(slotmarkVersion())
    .option("--json", "print exactly one JSON document on stdout")
    .option("--quiet", "no progress and no set-up talk")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  // Subcommands copy these settings when they are created, so they come after them.
  const named = first === undefined || !Object.hasOwn(REGISTER, first) ? undefined : REGISTER[first];
  const wanted = named === undefined ? Object.values(REGISTER) : [named];
  for (const register of await Promise.all(wanted.map((load) => load()))) register(program);
  return program;
}
