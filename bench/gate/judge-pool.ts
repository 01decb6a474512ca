/**
 * Comparisons drawn from a recording, each rule asked about the same ones: how often it finds a change where nothing changed, how often it
 * finds what was put in, and how small a slowdown it still finds. Trials keep round and pair, for rules that go by pairs.
 */
import { DEFAULT_METRICS } from "../../src/compare/metric-figures.js";
import type { FigurePair } from "../../src/compare/paired-figures.js";
import { seededRandom } from "../../src/compare/seeded-random.js";
import { median } from "../../src/measure/quantile.js";
import { groupBy } from "../../src/report/model/group-by.js";
import { upperBoundOfShare } from "./clopper-pearson.js";
import { type Draw, drawRounds, drawTrials, roundsOfAb, TRIALS_A_SIDE } from "./draws.js";
import { MEDIAN_WRITE, type Pool, type PoolTrial } from "./pool.js";
import type { Rule } from "./rules/rule.js";

/** By how much slowdowns are known to be found. */
const POWER = { 1.5: 0.8, 2.5: 0.95, 5: 0.99 } as const;
const MOST_FALSE_ALARMS = 0.01;
const FOUND_SHARE = 0.8;
/** Trials of slotmark as it is in a pool that is to say something of one alarm in a hundred. */
export const LEAST_EQUAL = 200;
const MOST_TOO_SMALL = 0.9;
/** A larger slowdown is found more easily than the one that was asked about. */
const LEAST_TOO_LARGE = 1.1;
/** How the names of slotmark's own rules begin. */
const OWN_RULES = "slotmark";
/** Shares of power are large and need fewer comparisons than those of false alarms; a bisection asks each of them ten times. */
const POWER_PART = 4;
const SMALLEST_PART = 10;

export interface JudgedSlowdown {
  readonly where: string;
  readonly timesFloor: number;
  /** What it was to make the median write slower by, and did, percent. */
  readonly wantedPercent: number;
  readonly achievedPercent: number;
  /** The same in noise floors. A slowdown that came out smaller than it was to be says nothing of power at that size. */
  readonly achievedTimesFloor: number;
  /** Of comparisons, by rule: any figure regressed; and the median write among them. Null: too few rounds of neighbours. */
  readonly found: Readonly<Record<string, number | null>>;
  /** All sizes that were recorded for it, in noise floors; the nearest is judged, a smaller one rather than one that is too large. */
  readonly recordedTimesFloor: readonly number[];
  /** What recorded times are multiplied by to make it exactly as large as it was to be; and any figure regressed then. */
  readonly modelledTimes: number;
  readonly foundModelled: Readonly<Record<string, number | null>>;
  readonly foundInMedianWrite: Readonly<Record<string, number | null>>;
  readonly wantedShare: number | null;
}

export interface FalseAlarms {
  /** Of all comparisons, those with any figure regressed or improved; and regressed, which fails a pipeline. */
  readonly anyChange: number;
  readonly regressed: number;
  readonly share: number;
  readonly upperBound: number;
}

export interface JudgedPool {
  /** Of equals; for each slowdown a quarter of them. */
  readonly comparisons: number;
  readonly trialsPerSide: number;
  readonly roundsOfAb: number;
  readonly floorPercent: number;
  /** Trials of slotmark as it is. */
  readonly equalTrials: number;
  readonly falseAlarms: Readonly<Record<string, FalseAlarms | null>>;
  readonly slowdowns: readonly JudgedSlowdown[];
  /** Percent; null: none up to the largest tried. Modelled: all times of recorded trials multiplied. */
  readonly smallestFoundModelledPercent: Readonly<Record<string, number | null>>;
  readonly missed: readonly string[];
}

/** The same comparisons for all rules that are asked alike; null: the recording has too few rounds of neighbours. */
interface Draws {
  readonly trials: readonly Draw[];
  readonly rounds: readonly Draw[] | null;
}

export function judgePool(pool: Pool, rules: readonly Rule[], comparisons: number): JudgedPool {
  const equal = pool.trials.filter(({ slowdown }) => slowdown === null);
  const random = seededRandom(1);
  const drawn = (slowdown: number | null, length: number): Draws => {
    const rounds = Array.from({ length }, () => drawRounds(pool, slowdown, random));
    return {
      trials: Array.from({ length }, () => drawTrials(pool, slowdown, random)),
      rounds: rounds.every((draw) => draw !== null) ? rounds : null,
    };
  };
  const equalDraws = drawn(null, comparisons);
  const falseAlarms = byRule(rules, (rule) => {
    const draws = drawsFor(rule, equalDraws);
    return draws === null ? null : falseAlarmsOf(rule, draws, pool);
  });
  const floor = pool.calibration.floors.find(
    (one) => one.metric === "write_latency_ns" && one.figure === "p50",
  );
  const floorPercent = floor?.floorPercent ?? Number.NaN;
  const slowdowns = slowdownsOf(pool).map(({ where, timesFloor, sizes }): JudgedSlowdown => {
    const achievedOf = (index: number) => {
      const slowed = pool.trials.filter(({ slowdown }) => slowdown === index);
      return 100 * (medianWrite(slowed, pool) / medianWrite(equal, pool) - 1);
    };
    const wantedPercent = timesFloor * floorPercent;
    const recorded = sizes.map((index) => ({ index, percent: achievedOf(index) }));
    const nearest = nearestSize(recorded, wantedPercent);
    const achievedPercent = nearest.percent;
    const draws = drawn(nearest.index, Math.ceil(comparisons / POWER_PART));
    const modelledTimes = (100 + wantedPercent) / (100 + achievedPercent);
    const shares = rules.map((rule) => {
      const own = drawsFor(rule, draws);
      if (own === null) return { name: rule.name, any: null, medianWrite: null, modelled: null };
      const modelled = foundShares(rule, own, pool, modelledTimes).any;
      return { name: rule.name, ...foundShares(rule, own, pool), modelled };
    });
    return {
      where,
      timesFloor,
      wantedPercent,
      achievedPercent,
      achievedTimesFloor: achievedPercent / floorPercent,
      recordedTimesFloor: recorded.map(({ percent }) => Number((percent / floorPercent).toFixed(2))),
      modelledTimes,
      found: Object.fromEntries(shares.map(({ name, any }) => [name, any])),
      foundModelled: Object.fromEntries(shares.map(({ name, modelled }) => [name, modelled])),
      foundInMedianWrite: Object.fromEntries(shares.map(({ name, medianWrite: share }) => [name, share])),
      wantedShare: POWER[timesFloor as keyof typeof POWER] ?? null,
    };
  });
  const some = Math.ceil(comparisons / SMALLEST_PART);
  const judged = {
    comparisons,
    trialsPerSide: TRIALS_A_SIDE,
    roundsOfAb: roundsOfAb(pool),
    floorPercent,
    equalTrials: equal.length,
    falseAlarms,
    slowdowns,
    smallestFoundModelledPercent: byRule(rules, (rule) => {
      const draws = drawsFor(rule, equalDraws);
      return draws === null ? null : smallestFound(rule, draws.slice(0, some), pool);
    }),
  };
  return { ...judged, missed: missedBy(rules[0]?.name ?? "", judged) };
}

/** Of the sizes that a slowdown was recorded in: those that are too large are a last resort. */
function nearestSize<Size extends { readonly percent: number }>(
  recorded: readonly Size[],
  wantedPercent: number,
): Size {
  const fitting = recorded.filter(({ percent }) => percent <= LEAST_TOO_LARGE * wantedPercent);
  const strays = ({ percent }: Size) => Math.abs(percent - wantedPercent);
  const [nearest] = (fitting.length > 0 ? fitting : recorded).toSorted(
    (one, other) => strays(one) - strays(other),
  );
  if (nearest === undefined) throw new Error("a slowdown without a size");
  return nearest;
}

/** Each slowdown once, with the places in the recording of the sizes that it has. */
function slowdownsOf({ slowdowns }: Pool): {
  readonly where: Pool["slowdowns"][number]["where"];
  readonly timesFloor: number;
  readonly sizes: readonly number[];
}[] {
  const placed = slowdowns.map((slowdown, index) => ({ ...slowdown, index }));
  return [...groupBy(placed, ({ where, timesFloor }) => `${where}/${timesFloor}`).values()].flatMap(
    (sizes) => {
      const [first] = sizes;
      if (first === undefined) return [];
      const { where, timesFloor } = first;
      return [{ where, timesFloor, sizes: sizes.map(({ index }) => index) }];
    },
  );
}

/**
 * What the first rule, slotmark's `compare`, was to reach and did not, or what was not shown because a slowdown came out at another
 * size than it was to have. No rule of slotmark's may have as many false alarms as one of others.
 */
function missedBy(
  name: string,
  { falseAlarms, slowdowns, equalTrials }: Omit<JudgedPool, "missed">,
): string[] {
  const missed: string[] = [];
  const bound = falseAlarms[name]?.upperBound ?? 1;
  if (bound > MOST_FALSE_ALARMS)
    missed.push(`false alarms: at most ${percent(bound)}, not ${percent(MOST_FALSE_ALARMS)}`);
  for (const { where, timesFloor, achievedTimesFloor, found, wantedShare } of slowdowns) {
    if (wantedShare === null) continue;
    const share = found[name] ?? 0;
    const about = `${where}, ${timesFloor} × floor`;
    const size = `it came out at ${achievedTimesFloor.toFixed(2)} floors`;
    if (share < wantedShare) {
      const note =
        achievedTimesFloor < MOST_TOO_SMALL * timesFloor ? ` (${size}, where nothing was asked for)` : "";
      missed.push(`${about}: ${percent(share)} found, not ${percent(wantedShare)}${note}`);
    } else if (achievedTimesFloor > LEAST_TOO_LARGE * timesFloor) {
      missed.push(`${about}: not shown, for ${size}`);
    }
  }
  const isOwn = (rule: string) => rule.startsWith(OWN_RULES);
  for (const [other, alarms] of Object.entries(falseAlarms)) {
    if (alarms === null || isOwn(other)) continue;
    for (const [own, ownAlarms] of Object.entries(falseAlarms))
      if (isOwn(own) && ownAlarms !== null && alarms.share <= ownAlarms.share)
        missed.push(
          `${other} has no more false alarms: ${percent(alarms.share)}, and ${own} ${percent(ownAlarms.share)}`,
        );
    for (const { where, timesFloor, found } of slowdowns)
      if ((found[other] ?? 0) > (found[name] ?? 0))
        missed.push(
          `${where}, ${timesFloor} × floor: ${other} found ${percent(found[other] ?? 0)}, ${name} ${percent(found[name] ?? 0)}`,
        );
  }
  if (equalTrials < LEAST_EQUAL)
    missed.push(`${equalTrials} trials of slotmark as it is, not ${LEAST_EQUAL}`);
  return missed;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function byRule<T>(rules: readonly Rule[], of: (rule: Rule) => T): Record<string, T> {
  return Object.fromEntries(rules.map((rule) => [rule.name, of(rule)]));
}

function drawsFor(rule: Rule, { trials, rounds }: Draws): readonly Draw[] | null {
  return rule.byRounds === true ? rounds : trials;
}

const UNITS: Readonly<Record<string, string>> = { write_iops: "writes/s" };

/** @param slower head's times are multiplied by it, its rates divided */
function pairsOf({ base, head, byRounds }: Draw, pool: Pool, slower = 1): FigurePair[] {
  return pool.figures.map((name, index): FigurePair => {
    const [metric = "", figure = "value"] = name.split(":");
    const direction = metric === "write_iops" ? "higher" : "lower";
    const factor = direction === "lower" ? slower : 1 / slower;
    const values = (trials: readonly PoolTrial[]) =>
      trials.map(({ values: all }) => all[index] ?? Number.NaN);
    return {
      variant: pool.variant,
      metric,
      figure: figure as FigurePair["figure"],
      unit: UNITS[metric] ?? "ns",
      direction,
      base: values(base),
      head: values(head).map((value) => value * factor),
      rounds: byRounds ? { base: [...base.keys()], head: [...head.keys()] } : null,
    };
  });
}

function falseAlarmsOf(rule: Rule, draws: readonly Draw[], pool: Pool): FalseAlarms {
  const found = draws.map((draw) => rule.judge(pairsOf(draw, pool)));
  const anyChange = found.filter((figures) => figures.some((one) => one !== null)).length;
  return {
    anyChange,
    regressed: found.filter((figures) => figures.includes("regressed")).length,
    share: anyChange / draws.length,
    upperBound: upperBoundOfShare(anyChange, draws.length),
  };
}

function foundShares(
  rule: Rule,
  draws: readonly Draw[],
  pool: Pool,
  slower = 1,
): { readonly any: number; readonly medianWrite: number } {
  const place = DEFAULT_METRICS.indexOf(MEDIAN_WRITE);
  let any = 0;
  let inMedianWrite = 0;
  for (const draw of draws) {
    const found = rule.judge(pairsOf(draw, pool, slower));
    if (found.includes("regressed")) any++;
    if (found[place] === "regressed") inMedianWrite++;
  }
  return { any: any / draws.length, medianWrite: inMedianWrite / draws.length };
}

const LARGEST_MODELLED = 1;
const MODELLED_STEP = 0.001;

/** By bisection: more slowdown is found no less often. */
function smallestFound(rule: Rule, draws: readonly Draw[], pool: Pool): number | null {
  const isFound = (slowdown: number) => foundShares(rule, draws, pool, 1 + slowdown).any >= FOUND_SHARE;
  if (!isFound(LARGEST_MODELLED)) return null;
  let low = 0;
  let high = LARGEST_MODELLED;
  while (high - low > MODELLED_STEP) {
    const middle = (low + high) / 2;
    if (isFound(middle)) high = middle;
    else low = middle;
  }
  return 100 * high;
}

function medianWrite(trials: readonly PoolTrial[], pool: Pool): number {
  const place = pool.figures.indexOf(MEDIAN_WRITE);
  return median(trials.map(({ values }) => values[place] ?? Number.NaN));
}
