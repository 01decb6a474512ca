/** What a history says, in sentences and rows; text, Markdown and annotations set them in their own ways. */
import { figureName } from "../compare/metric-figures.js";
import type { Trend, TrendChange, TrendGroup, TrendPoint, TrendSeries } from "../compare/trend.js";
import { variantNames } from "./compare-names.js";
import { changeText, probabilityText } from "./compare-rows.js";
import { formatFigure, scaleFor } from "./quantity.js";

export interface TrendRow {
  readonly name: string;
  /** `400 → 520 µs`. */
  readonly medians: string;
  readonly change: string;
  readonly p: string;
  /** Results on both sides of it. */
  readonly results: string;
  readonly range: string;
  readonly verdict: TrendChange["verdict"];
}

/** The outcome in a sentence; the first words say it. */
export function trendSentence({ groups, judged }: Trend): string {
  const changes = groups.flatMap(({ series }) => series.flatMap((one) => one.changes ?? []));
  const worse = changes.filter(({ verdict }) => verdict === "regressed").length;
  const all = `${judged} series of figures`;
  if (changes.length === 0) return `No change: nothing stands out from chance in ${all}.`;
  const count = `${changes.length} ${changes.length === 1 ? "change" : "changes"}`;
  return `${count} in ${all}: ${worse} for the worse, ${changes.length - worse} for the better.`;
}

/** Which results these are, and on what machine. */
export function groupSentence({ results, differsIn }: TrendGroup): string {
  const [first, last] = [results[0]?.result, results.at(-1)?.result];
  if (first === undefined || last === undefined) return "";
  const suites = [...new Set(results.flatMap(({ result }) => result.trials.map(({ suite }) => suite)))];
  const count = `${results.length} ${results.length === 1 ? "result" : "results"}`;
  const apart = differsIn.length === 0 ? "" : `; another history, for it differs in ${named(differsIn)}`;
  return `${first.environment.hostname}, ${suites.join(", ")}: ${count} from ${day(first)} to ${day(last)}${apart}`;
}

const SHOWN_FIELDS = 4;

function named(fields: readonly string[]): string {
  const shown = fields.slice(0, SHOWN_FIELDS).join(", ");
  return fields.length > SHOWN_FIELDS ? `${shown} and ${fields.length - SHOWN_FIELDS} more` : shown;
}

/** Each change of a group, a figure's one after another. */
export function trendRows({ series }: TrendGroup): TrendRow[] {
  const nameOf = variantNames(series.map(({ variant }) => variant));
  return series.flatMap((one) =>
    (one.changes ?? []).map((change) => rowOf(one, change, nameOf(one.variant))),
  );
}

function rowOf(series: TrendSeries, change: TrendChange, variant: string): TrendRow {
  const { base, head, ratio, p, verdict } = change;
  const scale = scaleFor(series.unit, Math.max(Math.abs(base), Math.abs(head)));
  return {
    name: `${figureName(series)} (${variant})`,
    medians: `${formatFigure(base / scale.size)} → ${formatFigure(head / scale.size)} ${scale.unit}`,
    change: changeText(ratio),
    p: probabilityText(p),
    results: `${change.resultsBefore}+${change.resultsAfter}`,
    range: rangeText(change),
    verdict,
  };
}

/** The commits that hold the cause: those behind the last result before the change, up to the first after it. */
function rangeText({ before, after }: TrendChange): string {
  const days = day(before) === day(after) ? day(after) : `${day(before)} to ${day(after)}`;
  if (before.commit === "unknown" || after.commit === "unknown")
    return `between ${before.name} and ${after.name} (${days}), commits unknown`;
  if (before.commit === after.commit)
    return `within ${short(after)} (${days}): something else has changed than the code`;
  return `${short(before)}..${short(after)} (${days})`;
}

function short({ commit }: TrendPoint): string {
  const [hash = "", changes] = commit.split("+");
  return hash.slice(0, 12) + (changes === undefined ? "" : `+${changes}`);
}

function day({ createdAt }: { readonly createdAt: string }): string {
  return createdAt.slice(0, 10);
}

/** What a reader has to know before believing it. */
export function trendNotes(
  { alpha, judged, leastResults, groups }: Trend,
  skipped: readonly { readonly reason: string }[],
): string[] {
  const notes = skipped.map(({ reason }) => `Left out: ${reason}.`);
  const short = groups.flatMap(({ series }) => series.filter(({ changes }) => changes === null));
  if (short.length > 0) {
    const most = Math.max(...short.map(({ points }) => points.length));
    notes.push(
      `Not looked at: ${short.length} series of at most ${most} ${most === 1 ? "result" : "results"}; a change shows from ${leastResults} on.`,
    );
  }
  if (groups.length > 1)
    notes.push(
      `Results of ${groups.length} kinds (machine, device, scenario, backend) are kept apart: only like is compared with like.`,
    );
  if (judged > 0)
    notes.push(
      `Change points of the medians of results by E-divisive with permutation tests; alpha ${alpha}, shared out among ${judged} series.`,
    );
  return notes;
}
