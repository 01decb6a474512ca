/**
 * Which chunk to use: what the bitmap costs a write against what a crash would resync, by chunk size, one curve for each rate and
 * working set. A larger chunk needs fewer bits and fewer page writes, and each bit that is left by a crash stands for more bytes.
 * Pure: trials in, verdicts out.
 *
 * The chunk to use is the one that leaves the fewest bytes to resync among those whose tax is within two percentage points of the
 * lowest: beyond it, more bytes buy nothing that matters. How sure that is follows from the bootstrap distributions of the medians,
 * in full: the share of resamples in which the same rule names the same chunk.
 */
import { medianInterval } from "../measure/median-interval.js";
import { median } from "../measure/quantile.js";
import { TAX_METRIC } from "../measure/tax.js";
import type { TrialRecord } from "../measure/trial-record.js";
import type { ChunkAdvice, ChunkPoint } from "../results/chunk-advice-schema.js";
import { bootstrapMedian, type Distribution } from "./median-bootstrap.js";

/** Percentage points of tax that nobody should pay resync bytes for. */
export const TAX_TOLERANCE_POINTS = 2;
/** A verdict that fewer resamples agree with is none. */
const SURE = 0.95;

/** @returns one advice for each setting with an open loop in which at least two chunk sizes were measured */
export function chunkAdvice(trials: readonly TrialRecord[]): ChunkAdvice[] {
  const settings = new Map<string, TrialRecord[]>();
  for (const trial of trials) {
    if (trial.labels.loop !== "open" || trial.labels.bitmap !== "on") continue;
    const key = JSON.stringify([trial.suite, ...Object.entries(settingOf(trial)).sort()]);
    settings.set(key, [...(settings.get(key) ?? []), trial]);
  }
  return [...settings.values()].flatMap((ofSetting) => {
    const points = pointsOf(ofSetting);
    const [first] = ofSetting;
    return points.length < 2 || first === undefined ? [] : [adviceOf(first, ofSetting, points)];
  });
}

/** Labels that set one curve apart from another. */
function settingOf({ labels }: TrialRecord): TrialRecord["labels"] {
  const {
    chunkBytes: _,
    bitmap: __,
    plannedPhase: ___,
    directIo: ____,
    degraded: _____,
    failedMember: ______,
    failure: _______,
    ...setting
  } = labels;
  return setting;
}

function pointsOf(trials: readonly TrialRecord[]): MeasuredPoint[] {
  const chunks = [...new Set(trials.map(({ labels }) => Number(labels.chunkBytes)))].sort((a, b) => a - b);
  return chunks.flatMap((chunkBytes) => {
    const all = trials.filter(({ labels }) => labels.chunkBytes === chunkBytes);
    const used = all.filter((trial) => trial.phase !== "notSteady" && trial.labels.degraded !== true);
    const taxes = used.flatMap(({ metrics }) => metrics[TAX_METRIC]?.value ?? []);
    const taxPercent = medianInterval(taxes);
    const dirty = used.flatMap(({ metrics }) => metrics.dirty_bytes ?? []);
    if (taxPercent === null || dirty.length === 0) return [];
    return {
      taxes,
      point: {
        chunkBytes,
        taxPercent,
        pairs: taxes.length,
        leftOut: all.length - taxes.length,
        dirtyBytes: {
          mean: median(dirty.map(({ mean = 0 }) => mean)),
          max: median(dirty.map(({ max = 0 }) => max)),
        },
      },
    };
  });
}

interface MeasuredPoint {
  readonly taxes: readonly number[];
  readonly point: ChunkPoint;
}

function adviceOf(
  first: TrialRecord,
  trials: readonly TrialRecord[],
  measured: readonly MeasuredPoint[],
): ChunkAdvice {
  // In the order in which they are preferred where their taxes are alike.
  const preferred = [...measured].sort(
    (a, b) => a.point.dirtyBytes.mean - b.point.dirtyBytes.mean || a.point.chunkBytes - b.point.chunkBytes,
  );
  const medians = preferred.map(({ taxes }) => bootstrapMedian(taxes));
  const shares = choiceShares(medians)
    .map((share, index) => ({ chunkBytes: preferred[index]?.point.chunkBytes ?? 0, share }))
    .filter(({ share }) => share >= 0.005)
    .sort((a, b) => b.share - a.share);
  const chosen = choose(preferred.map(({ point }) => point));
  const share = shares.find((one) => one.chunkBytes === chosen.chunkBytes)?.share ?? 0;
  const alike = shareWithin(medians);
  return {
    setting: settingOf(first),
    offeredPerSecond: median(trials.flatMap(({ metrics }) => metrics.offered_iops?.value ?? [])),
    points: measured.map(({ point }) => point),
    verdict:
      alike >= SURE ? "doesNotMatter" : share >= SURE && measured.every(isInterval) ? "use" : "undecided",
    chunkBytes: chosen.chunkBytes,
    shares,
    kneeChunkBytes: kneeOf(measured.map(({ point }) => point)),
  };
}

/** A single pair has no spread, so that all its resamples agree with it, which says nothing. */
function isInterval({ point }: MeasuredPoint): boolean {
  return point.pairs > 1;
}

/** @param preferred by bytes to resync, ascending; at least one */
function choose(preferred: readonly ChunkPoint[]): ChunkPoint {
  const lowest = Math.min(...preferred.map(({ taxPercent }) => taxPercent.median));
  const chosen = preferred.find(({ taxPercent }) => taxPercent.median <= lowest + TAX_TOLERANCE_POINTS);
  if (chosen === undefined) throw new Error("no chunk was measured");
  return chosen;
}

/**
 * The probability that each of the independent medians is the first within the tolerance of the lowest of all. Summed over what the
 * lowest can be: those before stay above the tolerance, those behind do not go below the lowest.
 */
function choiceShares(medians: readonly Distribution[]): number[] {
  const lowest = [...new Set(medians.flatMap(({ values }) => [...values]))];
  return medians.map((own, index) => {
    let sum = 0;
    for (const low of lowest) {
      const high = low + TAX_TOLERANCE_POINTS;
      const before = product(medians.slice(0, index), (one) => probability(one, (value) => value > high));
      if (before === 0) continue;
      const behind = medians.slice(index + 1);
      const atLeast =
        probability(own, (value) => value >= low && value <= high) *
        product(behind, (one) => probability(one, (value) => value >= low));
      const above =
        probability(own, (value) => value > low && value <= high) *
        product(behind, (one) => probability(one, (value) => value > low));
      sum += before * (atLeast - above);
    }
    return sum;
  });
}

/** The probability that all medians lie within the tolerance of the lowest. */
function shareWithin(medians: readonly Distribution[]): number {
  const lowest = new Set(medians.flatMap(({ values }) => [...values]));
  let sum = 0;
  for (const low of lowest) {
    const high = low + TAX_TOLERANCE_POINTS;
    sum +=
      product(medians, (one) => probability(one, (value) => value >= low && value <= high)) -
      product(medians, (one) => probability(one, (value) => value > low && value <= high));
  }
  return sum;
}

function probability({ values, weights }: Distribution, holds: (value: number) => boolean): number {
  return values.reduce((sum, value, index) => sum + (holds(value) ? (weights[index] ?? 0) : 0), 0);
}

function product(medians: readonly Distribution[], of: (median: Distribution) => number): number {
  return medians.reduce((result, one) => result * of(one), 1);
}

/**
 * The knee of tax against bytes to resync: the point that lies deepest under the line between the ends, both axes as logarithms and
 * drawn to the same length (Satopää et al. 2011, "Finding a kneedle in a haystack"). A tax below the tolerance counts as the tolerance:
 * a logarithm knows no zero, and there is nothing to gain below it.
 */
function kneeOf(points: readonly ChunkPoint[]): number | null {
  const logs = points
    .map(({ chunkBytes, taxPercent, dirtyBytes }) => ({
      chunkBytes,
      x: Math.log(Math.max(1, dirtyBytes.mean)),
      y: Math.log(Math.max(TAX_TOLERANCE_POINTS, taxPercent.median)),
    }))
    .sort((a, b) => a.x - b.x);
  const first = logs[0];
  const last = logs.at(-1);
  if (first === undefined || last === undefined || first.x === last.x || first.y <= last.y) return null;
  let knee: number | null = null;
  let deepest = 0;
  for (const { chunkBytes, x, y } of logs) {
    const depth = 1 - (x - first.x) / (last.x - first.x) - (y - last.y) / (first.y - last.y);
    if (depth > deepest + 1e-9) {
      deepest = depth;
      knee = chunkBytes;
    }
  }
  return knee;
}

/**
 * One chunk for several settings: the smallest whose tax is within the tolerance of the lowest in each of them; null where there is
 * none, or where the settings have no chunk in common.
 */
export function chunkForAll(advices: readonly ChunkAdvice[]): number | null {
  const fits = advices.map(({ points }) => {
    const lowest = Math.min(...points.map(({ taxPercent }) => taxPercent.median));
    return points.filter(({ taxPercent }) => taxPercent.median <= lowest + TAX_TOLERANCE_POINTS);
  });
  const [first = [], ...others] = fits;
  const common = first.filter(({ chunkBytes }) =>
    others.every((points) => points.some((point) => point.chunkBytes === chunkBytes)),
  );
  return common[0]?.chunkBytes ?? null;
}
