/**
 * The recording: this machine's noise floors as `slotmark calibrate` measures them, how large slowdowns of some multiples of them have to
 * be, and then round by round pairs of processes, one of slotmark as it is and one slowed down, all under one steady background load.
 */
import { execFile } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { OWN_MAIN } from "../../src/commands/child-run.js";
import { DEFAULT_METRICS, figureName } from "../../src/compare/metric-figures.js";
import { seededRandom } from "../../src/compare/seeded-random.js";
import { plannedTrials, variantKey } from "../../src/compare/variants.js";
import { median } from "../../src/measure/quantile.js";
import { type Calibration, readCalibration } from "../../src/results/calibration.js";
import type { Trial } from "../../src/results/schema.js";
import { BACKGROUND_LOAD, startBackgroundLoad } from "./background-load.js";
import {
  EQUAL_PAIRS,
  figureValues,
  MEDIAN_WRITE,
  type Pool,
  type PoolTrial,
  SIZE_STEPS,
  TIMES_FLOOR,
} from "./pool.js";
import { type SettledTrials, settledTrials } from "./process-trials.js";
import { type GateRuns, prepareGateRuns } from "./scenario.js";
import { SLOWED, type Slowdown } from "./slowdown.js";

export interface RecordOptions {
  /** Each has a process of slotmark as it is beside every slowdown. */
  readonly rounds: number;
  /** Further rounds are added until so many trials of slotmark as it is have settled. */
  readonly leastEqual: number;
  /** Of the calibration, and trials in each of them. */
  readonly calibrationRuns: number;
  readonly calibrationTrials: number;
  /** How often the largest slowdown of each place is tried and its size corrected. */
  readonly probes: number;
  readonly say: (text: string) => void;
}

export type RecordedPool = Omit<Pool, "benchmark" | "slotmark" | "createdAt" | "environment">;

const HOUR_MS = 3_600_000;
/** About, for a first guess. */
const NS_OF_TURN = 1.5;
const MOST_CORRECTION = 4;
const MOST_ATTEMPTS = 10;

export async function recordPool(options: RecordOptions): Promise<RecordedPool> {
  const { rounds, leastEqual, say } = options;
  const before = loadavg()[0] ?? 0;
  const started = performance.now();
  const runs = prepareGateRuns();
  const stopLoad = await startBackgroundLoad(BACKGROUND_LOAD, HOUR_MS);
  try {
    const calibration = await calibrate(runs, options);
    const [settled] = plannedTrials({ trials: used(await settledTrials(runs, null)) }).flatMap(
      ({ phases }) => phases,
    );
    if (settled === undefined) throw new Error("no trial has settled: this machine is too busy");
    const { key, variant } = settled;
    const floors = calibration.floors.filter(
      (floor) => variantKey(floor) === key && DEFAULT_METRICS.includes(figureName(floor)),
    );
    const floorPercent = floors.find((floor) => figureName(floor) === MEDIAN_WRITE)?.floorPercent;
    if (floorPercent === undefined) throw new Error("the calibration has no floor of the median write");
    say(`noise floor of ${MEDIAN_WRITE}: ${floorPercent.toFixed(2)} %`);
    const slowdowns = await sizedSlowdowns(runs, floorPercent, options);
    const trials: PoolTrial[] = [];
    let unsettled = 0;
    const enough = () => trials.filter(({ slowdown }) => slowdown === null).length >= leastEqual;
    for (let round = 0; round < rounds || !enough(); round++) {
      const recorded = await recordRound(runs, slowdowns, round);
      trials.push(...recorded.trials);
      unsettled += recorded.unsettled;
      say(
        `round ${round + 1} of ${rounds}, ${Math.round((performance.now() - started) / 1000)} s, load ${loadavg()[0]?.toFixed(1)}`,
      );
    }
    return {
      scenario: { ...runs.scenario, phases: [...runs.scenario.phases] },
      backgroundLoad: BACKGROUND_LOAD,
      loadAverage: { before, after: loadavg()[0] ?? 0 },
      minutes: Number(((performance.now() - started) / 60_000).toFixed(1)),
      figures: [...DEFAULT_METRICS],
      calibration: { runs: calibration.runs, trialsPerRun: options.calibrationTrials, floors },
      slowdowns,
      variant,
      unsettled,
      trials,
    };
  } finally {
    await stopLoad();
    runs.remove();
  }
}

async function calibrate(
  { args, folder }: GateRuns,
  { calibrationRuns, calibrationTrials }: RecordOptions,
): Promise<Calibration> {
  const out = join(folder, "calibration.json");
  const counts = ["--runs", String(calibrationRuns), "--trials", String(calibrationTrials)];
  await promisify(execFile)(process.execPath, [
    OWN_MAIN,
    "calibrate",
    ...args,
    ...counts,
    "--quiet",
    "--out",
    out,
  ]);
  return readCalibration(out);
}

/**
 * As many turns as make the median write slower by each multiple of the noise floor. A pair of processes, one of them slowed down, alone
 * may lie by several percent of a write, so that turns are sized by what many of them together came to at the largest slowdown, of
 * which that is the smallest part; smaller ones take a part of its turns.
 */
async function sizedSlowdowns(
  runs: GateRuns,
  floorPercent: number,
  { probes, say }: RecordOptions,
): Promise<Pool["slowdowns"]> {
  const medianOf = async (slowdown: Slowdown | null) => {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const trials = used(await settledTrials(runs, slowdown));
      if (trials.length > 0) return median(trials.map(medianWrite));
    }
    throw new Error("no trial has settled: this machine is too busy");
  };
  const wanted = (Math.max(...TIMES_FLOOR) * floorPercent) / 100;
  const sized = SLOWED.map((where) => ({ where, turns: 0, allTurns: 0, allSlower: 0 }));
  for (let probe = 0; probe < probes; probe++) {
    for (const one of sized) {
      const { where } = one;
      const bare = await medianOf(null);
      const turns = one.turns || Math.max(1, Math.round((wanted * bare) / NS_OF_TURN));
      const slower = (await medianOf({ where, turns })) / bare - 1;
      one.allTurns += turns;
      one.allSlower += slower;
      const factor = wanted / Math.max((turns * one.allSlower) / one.allTurns, 1e-3);
      one.turns = Math.round(turns * Math.min(MOST_CORRECTION, Math.max(1 / MOST_CORRECTION, factor)));
      say(`${where}: ${turns} turns, +${(100 * slower).toFixed(1)} % of ${(100 * wanted).toFixed(1)} %`);
    }
  }
  return sized.flatMap(({ where, turns }) =>
    TIMES_FLOOR.flatMap((timesFloor) =>
      SIZE_STEPS.map((step) => ({
        where,
        timesFloor,
        turns: Math.max(1, Math.round((step * turns * timesFloor) / Math.max(...TIMES_FLOOR))),
      })),
    ),
  );
}

function used({ trials }: SettledTrials): Trial[] {
  return trials.filter((trial) => trial !== null);
}

function medianWrite({ metrics }: Trial): number {
  return metrics.write_latency_ns?.p50 ?? Number.NaN;
}

/** Every slowdown beside trials without, and pairs of equals; pairs in random order, and the two of a pair as well. */
async function recordRound(
  runs: GateRuns,
  slowdowns: Pool["slowdowns"],
  round: number,
): Promise<{ readonly trials: readonly PoolTrial[]; readonly unsettled: number }> {
  const random = seededRandom(round + 1);
  const heads: (number | null)[] = [...slowdowns.keys(), ...new Array<null>(EQUAL_PAIRS).fill(null)];
  const trials: PoolTrial[] = [];
  let unsettled = 0;
  for (let turn = 0; turn < heads.length; turn++) {
    const drawn = turn + random(heads.length - turn);
    const head = heads[drawn] ?? null;
    heads[drawn] = heads[turn] ?? null;
    const pair = round * heads.length + turn;
    const sides = random(2) === 0 ? [null, head] : [head, null];
    for (const side of sides) {
      const slowdown: Slowdown | null = side === null ? null : (slowdowns[side] ?? null);
      const settled = await settledTrials(runs, slowdown);
      for (const [place, trial] of settled.trials.entries()) {
        if (trial === null) unsettled++;
        else trials.push(poolTrial(trial, settled, { round, pair, place, slowdown: side }));
      }
    }
  }
  return { trials, unsettled };
}

function poolTrial(
  trial: Trial,
  { environment }: SettledTrials,
  where: Pick<PoolTrial, "round" | "pair" | "place" | "slowdown">,
): PoolTrial {
  const share = environment.disturbance?.otherCpuShare;
  return {
    ...where,
    startedAt: trial.startedAt,
    values: figureValues(trial).map((value) => Math.round(value)),
    otherCpuShare: share === undefined ? null : Number(share.toFixed(3)),
  };
}
