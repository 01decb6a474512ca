/**
 * Is the gate any good? `record` keeps trials of this machine, as it is and with slowdowns put in from outside, under a steady load of its
 * own, in `results/gate-pool.json` (about half an hour; `--rounds` and `--probes` make it shorter). `judge` draws comparisons from them and says how
 * often slotmark's rule, and those of others, cry wolf and how often they find what is there: `results/gate.json`.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { judgePool, LEAST_EQUAL } from "./gate/judge-pool.js";
import { judgedTable } from "./gate/judged-table.js";
import { MEDIAN_WRITE, readPool } from "./gate/pool.js";
import { recordPool } from "./gate/record-pool.js";
import { criterionRule } from "./gate/rules/criterion.js";
import { fixedThresholdRule } from "./gate/rules/fixed-threshold.js";
import { googleBenchmarkRule } from "./gate/rules/google-benchmark.js";
import { slotmarkAbRule, slotmarkRule } from "./gate/rules/slotmark.js";
import { writeBenchmarkResult } from "./write-result.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "8" },
    calibration: { type: "string", default: "8" },
    probes: { type: "string", default: "12" },
    /** Trials of slotmark as it is that the pool needs at least. */
    least: { type: "string", default: String(LEAST_EQUAL) },
    comparisons: { type: "string", default: "2000" },
    pool: {
      type: "string",
      default: fileURLToPath(new URL("../../results/gate-pool.json", import.meta.url)),
    },
    out: { type: "string" },
  },
});

// However often it comes (npm hands on what a terminal has sent to all of its processes): what is to be given back takes a while.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const [step] = positionals;
if (step === "record") {
  const pool = await recordPool({
    rounds: Number(options.rounds),
    leastEqual: Number(options.least),
    calibrationRuns: Number(options.calibration),
    calibrationTrials: 12,
    probes: Number(options.probes),
    say: (text) => console.log(text),
  });
  console.log(writeBenchmarkResult("gate-pool", pool, { path: options.pool }));
} else if (step === "judge") {
  const pool = readPool(options.pool);
  const rules = [
    slotmarkRule(pool.calibration),
    slotmarkAbRule(pool.calibration),
    criterionRule(),
    googleBenchmarkRule,
    fixedThresholdRule,
  ];
  const judged = judgePool(pool, rules, Number(options.comparisons));
  const { createdAt, loadAverage, backgroundLoad, environment } = pool;
  console.log(
    `${judged.comparisons} comparisons of ${judged.trialsPerSide} and ${judged.trialsPerSide} trials, of ab of ${judged.roundsOfAb} rounds; noise floor of ${MEDIAN_WRITE} ${judged.floorPercent.toFixed(1)} %`,
  );
  for (const line of judgedTable(judged)) console.log(line);
  console.log(judged.missed.length === 0 ? "reached" : `missed: ${judged.missed.join("; ")}`);
  const recorded = { createdAt, loadAverage, backgroundLoad, hostname: environment.hostname };
  const sources = Object.fromEntries(rules.map(({ name, source }) => [name, source]));
  console.log(writeBenchmarkResult("gate", { recorded, sources, ...judged }, { path: options.out }));
} else {
  console.error("npm run bench:gate -- record | judge");
  process.exitCode = 2;
}
