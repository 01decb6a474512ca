/** What a comparison says in sentences: the verdict, and what a reader has to know before believing it. */
import type { ComparedSide, Comparison } from "../compare/compare-results.js";
import type { ComparedFigure } from "../compare/compared-figure.js";
import { figureName } from "../compare/metric-figures.js";
import type { Unused } from "../compare/variants.js";
import { comparedNames } from "./compare-names.js";
import { changeText, MOST_TRIALS } from "./compare-rows.js";
import { formatFigure } from "./quantity.js";

/** The verdict in one or two sentences; the first word says it. */
export function verdictSentence(comparison: Comparison): string {
  return [verdictAlone(comparison), ...confirmationSentence(comparison)].join(" ");
}

function verdictAlone(comparison: Comparison): string {
  const { verdict, figures, differences } = comparison;
  const of = (wanted: ComparedFigure["verdict"]) =>
    figures.filter((figure) => figure.verdict === wanted).length;
  const all = `${figures.length} ${figures.length === 1 ? "figure" : "figures"}`;
  if (verdict === null) {
    const count = `${differences.length} ${differences.length === 1 ? "thing" : "things"}`;
    return `Not comparable: the two differ in ${count} that would be taken for a change of slotmark. --anyway compares all the same.`;
  }
  if (verdict === "regressed") {
    return `Regressed: ${of("regressed")} of ${all} ${of("regressed") === 1 ? "is" : "are"} worse, beyond chance and the noise floor.`;
  }
  if (verdict === "improved") {
    return `Improved: ${of("improved")} of ${all} ${of("improved") === 1 ? "is" : "are"} better, beyond chance and the noise floor, and none is worse.`;
  }
  if (verdict === "inconclusive") return inconclusiveSentence(comparison, all);
  return `Unchanged: no change is shown in ${all}; a regression of twice the noise floor would have been.`;
}

function confirmationSentence({ confirmation }: Comparison): string[] {
  if (confirmation === null) return [];
  const { impossible, figures } = confirmation;
  if (impossible !== null) return ["It could not be confirmed by a second measurement."];
  const count = figures.filter((figure) => figure.confirmed).length;
  const what =
    figures.length === 1
      ? "The figure that was worse at first is"
      : `Of ${figures.length} figures that were worse at first ${count} ${count === 1 ? "is" : "are"}`;
  return [
    figures.length === 1
      ? `${what} ${count === 1 ? "" : "not "}confirmed by a second measurement.`
      : `${what} confirmed by a second measurement.`,
  ];
}

function inconclusiveSentence({ figures, unmatched }: Comparison, all: string): string {
  const open = figures.filter(({ verdict }) => verdict === "inconclusive");
  const few = open.filter(({ reason }) => reason === "tooFewTrials");
  const noisy = open.filter(({ reason }) => reason === "tooMuchNoise");
  const sentences = [`Inconclusive: ${open.length} of ${all} cannot be decided.`];
  if (few.length > 0) {
    const more = Math.max(...few.map(({ moreTrials }) => moreTrials ?? 1));
    sentences.push(
      `Too few trials for ${few.length}: nothing can be shown with less than ${more} more ${more === 1 ? "trial" : "trials"} a side.`,
    );
  }
  if (noisy.length > 0) {
    const more = Math.max(...noisy.map(({ moreTrials }) => moreTrials ?? Number.POSITIVE_INFINITY));
    const advice =
      more > MOST_TRIALS
        ? "more trials will hardly help: quiet the machine (slotmark doctor)."
        : `about ${more} more trials a side would decide.`;
    sentences.push(`Too much noise for ${noisy.length}: ${advice}`);
  }
  if (open.length === 0) {
    sentences[0] = `Inconclusive: nothing is worse in ${all}, but not all that was asked for could be compared.`;
  } else if (unmatched.length > 0) sentences.push("Not all that was asked for could be compared.");
  return sentences.join(" ");
}

/** @returns sentences, the weightiest first */
export function comparisonNotes(comparison: Comparison): string[] {
  const { differences, anyway, base, head, figures } = comparison;
  const notes: string[] = [];
  if (anyway) {
    const fields = differences.map(({ field }) => field).join(", ");
    notes.push(
      `Compared although they differ in ${fields} (--anyway): a change may come from that and not from slotmark.`,
    );
  }
  notes.push(...confirmationNotes(comparison), ...unmatchedNotes(comparison));
  for (const side of [base, head]) notes.push(...unusedNote(side));
  notes.push(...offeredNotes(comparison), ...looksNote(comparison));
  if (comparison.verdict !== null)
    notes.push(...floorNotes(comparison), ...methodNotes(figures, comparison.alpha));
  return [...notes, ...warningNotes(base, head)];
}

/** Of each figure that regressed what the second measurement says. */
function confirmationNotes(comparison: Comparison): string[] {
  const { confirmation } = comparison;
  if (confirmation === null) return [];
  if (confirmation.impossible !== null)
    return [
      `Not measured a second time (--confirm), so that the regression stands: ${confirmation.impossible}.`,
    ];
  const nameOf = comparedNames(comparison);
  return confirmation.figures.map(({ confirmed, again, ...figure }) =>
    again === null
      ? `Not confirmed: ${figureName(figure)} (${nameOf(figure.variant)}), which the second measurement does not have.`
      : `${confirmed ? "Confirmed" : "Not confirmed"}: ${figureSentence(comparison, again)}, n ${again.head.trials}, measured again: ${again.verdict}.`,
  );
}

/** What the runs themselves had to say; once where both said it. */
function warningNotes(base: ComparedSide, head: ComparedSide): string[] {
  const namesOfText = new Map<string, string[]>();
  for (const { name, warnings } of [base, head]) {
    for (const { text } of warnings) namesOfText.set(text, [...(namesOfText.get(text) ?? []), name]);
  }
  return [...namesOfText].map(([text, names]) => `${[...new Set(names)].join(" and ")}: ${text}`);
}

const UNUSED_WORDS: Readonly<Record<Unused, string>> = {
  notSteady: "had not settled",
  degraded: "ran on a degraded array",
  setUp: "only found the rate of others",
};

function unusedNote({ name, trials, unused }: ComparedSide): string[] {
  const why = Object.entries(unused)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${UNUSED_WORDS[reason as Unused]}`);
  return why.length === 0 ? [] : [`${name}: of ${trials} trials not used: ${why.join(", ")}.`];
}

function unmatchedNotes(comparison: Comparison): string[] {
  const nameOf = comparedNames(comparison);
  return comparison.unmatched.map(({ variant, figure, side, unused }) => {
    const what = figure === null ? nameOf(variant) : `${figureName(figure)} (${nameOf(variant)})`;
    const settled = unused > 0 ? `; ${unused} trials of it had not settled or ran degraded` : "";
    if (side === "both")
      return `Not compared: ${what}, for no trials of both sides are like each other${settled}.`;
    const { name } = comparison[side];
    return `Not compared: ${what}, which only ${name} has${settled}.`;
  });
}

/** One sentence for all, by the variant that differs most. */
function offeredNotes(comparison: Comparison): string[] {
  const { offered } = comparison;
  const [most] = offered.toSorted((a, b) => apart(b) - apart(a));
  if (most === undefined) return [];
  const rates = `${perSecond(most.base)} in BASE and ${perSecond(most.head)} in HEAD`;
  const others = offered.length > 1 ? `, and ${offered.length - 1} more are apart as well` : "";
  return [
    `Offered in open loop were not the same rates: ${comparedNames(comparison)(most.variant)} had ${rates}${others}. Latencies at different rates differ by that, too; \`--rate\` with a number of writes a second offers both sides the same.`,
  ];
}

function apart({ base, head }: Comparison["offered"][number]): number {
  return Math.abs(Math.log(base / head));
}

function perSecond(rate: number): string {
  return `${formatFigure(rate, 0)} writes/s`;
}

function looksNote({ looks, alpha, figures, verdict: whole }: Comparison): string[] {
  if (looks === null || whole === null) return [];
  const { rounds } = looks;
  const when =
    rounds.length === 1
      ? `once, after ${rounds[0]} ${rounds[0] === 1 ? "round" : "rounds"}`
      : `${rounds.length} times, after ${rounds.slice(0, -1).join(", ")} and ${rounds.at(-1)} rounds`;
  const open = figures.filter(({ verdict }) => verdict === "inconclusive").length;
  const end = open === 0 ? "until every figure was decided" : "until the time was over";
  return [
    `Looked at ${when}, ${end} (--until-decided). Look k spends alpha ÷ (k (k + 1)), and intervals are widened alike, so that all looks together find a change by chance in at most ${percentText(alpha)} of comparisons; a figure stays as it was when it was decided.`,
  ];
}

function percentText(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function floorNotes({ figures, thresholdPercent }: Comparison): string[] {
  const from = new Set(figures.map(({ machineFloor }) => machineFloor.from));
  const notes = pairedFloorNotes(figures);
  if (from.has("assumed")) {
    const assumed = figures.filter(({ machineFloor }) => machineFloor.from === "assumed");
    const percents = [...new Set(assumed.map(({ machineFloor }) => `${machineFloor.percent} %`))].join(
      " and ",
    );
    notes.push(
      `The noise floor of ${assumed.length === figures.length ? "this machine" : `${assumed.length} figures`} is not known: changes of less than ${percents} are taken for noise. \`slotmark calibrate\` measures it.`,
    );
  }
  if (from.has("otherVariant"))
    notes.push("Variants that were not calibrated have the largest noise floor of those that were.");
  if (from.has("threshold"))
    notes.push(`Changes of less than ${thresholdPercent} % do not count (--threshold).`);
  return notes;
}

function pairedFloorNotes(figures: readonly ComparedFigure[]): string[] {
  const paired = figures.filter(({ floor }) => floor.from === "paired");
  if (paired.length === 0) return [];
  const percents = [...new Set(paired.map(({ floor }) => `${floor.percent} %`))].join(" and ");
  const which = paired.length === figures.length ? "" : ` of ${paired.length} figures`;
  return [
    `Both sides ran by turns, so that drift is in both: changes${which} from ${percents} on count, below the machine's noise floor; that no change is shown is still said by the machine's.`,
  ];
}

function methodNotes(figures: readonly ComparedFigure[], alpha: number): string[] {
  const paired = figures.filter(({ rounds }) => rounds !== null);
  const single = figures.filter(({ rounds }) => rounds === null);
  const how = [
    ...(paired.length === 0
      ? []
      : [
          `exact signed-rank tests of the ratios within rounds${single.length > 0 ? ` (${paired.length})` : ""}`,
        ]),
    ...(single.length === 0 ? [] : [rankTestWords(single)]),
  ].join(" and ");
  const intervals = [
    ...(paired.length === 0
      ? []
      : ["those of a signed-rank test, around the median of their means two by two"]),
    ...(single.length === 0 ? [] : ["bootstrap intervals of the ratio of medians"]),
  ].join(", or ");
  return [
    `Medians of trials, ± their 95 % interval (of less than 6 trials the whole range); p of ${how}, by Holm's correction over ${figures.length}; alpha ${alpha}. 95 % intervals of changes are ${intervals}.`,
  ];
}

function rankTestWords(figures: readonly ComparedFigure[]): string {
  const approximated = figures.filter(({ method }) => method === "normal").length;
  if (approximated === 0) return "exact U tests";
  return approximated === figures.length
    ? "U tests by the normal approximation, for there are too many trials to count through"
    : `exact U tests, ${approximated} of them by the normal approximation`;
}

/** `write_latency_ns:p50 (cold, with bitmap) +19.1 % (+16.2 % to +22.3 %), noise floor 3.1 %` */
export function figureSentence(comparison: Comparison, figure: ComparedFigure): string {
  const { interval, floor } = figure;
  const range = `${changeText(interval.low)} to ${changeText(interval.high)}`;
  const name = comparedNames(comparison)(figure.variant);
  return `${figureName(figure)} (${name}) ${changeText(interval.ratio)} (${range}), noise floor ${floor.percent.toFixed(1)} %`;
}

/** `slotmark 0.1.0 (0123456789ab), Node v20.17.0, 2026-01-02 03:04, 48 trials` */
export function sideSentence({ slotmark, node, createdAt, trials }: ComparedSide): string {
  const when = createdAt.replace("T", " ").slice(0, 16);
  return `slotmark ${slotmark.version} (${slotmark.commit.slice(0, 12)}), Node ${node}, ${when}, ${trials} trials`;
}
