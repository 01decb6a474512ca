/** A comparison as Markdown, for a comment on a pull request. */

import type { Comparison } from "../compare/compare-results.js";
import { sharedWork } from "./compare-names.js";
import { type ComparisonRow, comparisonSections } from "./compare-rows.js";
import { comparisonNotes, sideSentence, verdictSentence } from "./compare-words.js";
import { escaped, tableLine } from "./markdown-text.js";

const HEADINGS: Readonly<Record<string, string>> = {
  regressed: "slotmark: regressed",
  improved: "slotmark: improved",
  unchanged: "slotmark: unchanged",
  inconclusive: "slotmark: inconclusive",
};

/** @returns lines, the last one ended */
export function comparisonMarkdown(comparison: Comparison, more: readonly string[] = []): string {
  const { verdict, base, head } = comparison;
  const work = verdict === null ? "" : sharedWork(comparison);
  const lines = [
    `### ${verdict === null ? "slotmark: not comparable" : HEADINGS[verdict]}`,
    "",
    escaped(verdictSentence(comparison)),
    "",
    `- BASE ${escaped(base.name)}: ${escaped(sideSentence(base))}`,
    `- HEAD ${escaped(head.name)}: ${escaped(sideSentence(head))}`,
    ...(work === "" ? [] : [`- ${escaped(work)}`]),
    ...differenceTable(comparison),
    ...comparisonSections(comparison).flatMap(({ title, rows }) => [
      "",
      `**${escaped(title)}**`,
      "",
      ...table(rows),
    ]),
    "",
    ...[...comparisonNotes(comparison), ...more].map((note) => `- ${escaped(note)}`),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function differenceTable({ differences }: Comparison): string[] {
  if (differences.length === 0) return [];
  return [
    "",
    "| differs | field | BASE | HEAD |",
    "| --- | --- | --- | --- |",
    ...differences.map(({ kind, field, base, head }) => tableLine([kind, field, base, head])),
  ];
}

function table(rows: readonly ComparisonRow[]): string[] {
  return [
    "| | BASE | HEAD | change | 95 % interval | p | n | floor | |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ...rows.map((row) => {
      const loud = row.judged === "regressed" || row.judged === "improved";
      const verdict = loud ? `**${row.verdict}**` : escaped(row.verdict);
      const { name, base, head, change, interval, p, trials, floor } = row;
      return `${tableLine([name, base, head, change, interval, p, trials, floor])} ${verdict} |`;
    }),
  ];
}
