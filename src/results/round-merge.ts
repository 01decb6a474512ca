/**
 * The rounds of one side of an interleaved measurement, each measured by a process of its own, as one result. Pure. A trial's id says
 * its round: trials of two sides that belong together are found again by it.
 */
import type { Disturbance } from "../measure/environment-schema.js";
import { type EncodedHistograms, histogramKey, type Result, type Trial, type Warning } from "./schema.js";

const ROUND_OF_ID = /^round (\d+), /;

/** @throws Error for a trial that is of no round */
export function roundOfTrial({ id }: Pick<Trial, "id">): number {
  const round = ROUND_OF_ID.exec(id)?.[1];
  if (round === undefined) throw new Error(`trial ${id} is of no round`);
  return Number(round);
}

/**
 * @param rounds at least one, in the order of their numbers from 1 on, of the same work but for the seed
 * @returns the first round's scenario and hash, repeated as often as there are rounds
 */
export function mergeRounds(rounds: readonly Result[]): Result {
  const [first] = rounds;
  if (first === undefined) throw new Error("there is at least one round");
  const trials: Trial[] = [];
  const histograms: EncodedHistograms = {};
  const warnings = new Map<string, Warning>();
  let pairs = 0;
  rounds.forEach((result, index) => {
    for (const trial of result.trials) trials.push(inRound(trial, index + 1, pairs, result, histograms));
    pairs = 1 + Math.max(-1, ...trials.flatMap(({ pair }) => pair ?? []));
    for (const warning of result.warnings) warnings.set(`${warning.code}\n${warning.text}`, warning);
  });
  const { chunkAdvice: _, ...rest } = first;
  return {
    ...rest,
    environment: { ...first.environment, ...meanDisturbance(rounds) },
    scenario: { ...first.scenario, ...repeated(first.scenario.suites, rounds.length) },
    trials,
    histograms,
    warnings: [...warnings.values()],
  };
}

function inRound(
  trial: Trial,
  round: number,
  pairs: number,
  { histograms: own }: Result,
  histograms: EncodedHistograms,
): Trial {
  const id = `round ${round}, ${trial.id}`;
  const refs = Object.entries(trial.histograms).map(([metric, ref]) => {
    const key = histogramKey(id, metric);
    histograms[key] = own[ref] ?? "";
    return [metric, key];
  });
  return {
    ...trial,
    id,
    pair: trial.pair === null ? null : trial.pair + pairs,
    histograms: Object.fromEntries(refs),
  };
}

function repeated(suites: Result["scenario"][string] | undefined, trials: number) {
  if (!Array.isArray(suites)) return {};
  return {
    suites: suites.map((suite) =>
      typeof suite === "object" && suite !== null && !Array.isArray(suite) ? { ...suite, trials } : suite,
    ),
  };
}

function meanDisturbance(rounds: readonly Result[]): { disturbance?: Disturbance } {
  const all = rounds.flatMap(({ environment }) => environment.disturbance ?? []);
  if (all.length === 0) return {};
  const mean = (of: (one: Disturbance) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  const counted = all.flatMap(({ throttleEvents }) => throttleEvents ?? []);
  return {
    disturbance: {
      otherCpuShare: mean(({ otherCpuShare }) => otherCpuShare),
      stolenCpuShare: mean(({ stolenCpuShare }) => stolenCpuShare),
      throttleEvents: counted.length === 0 ? null : counted.reduce((sum, one) => sum + one, 0),
    },
  };
}
