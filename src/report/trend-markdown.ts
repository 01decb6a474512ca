/** A history's change points as Markdown. */
import type { Trend } from "../compare/trend.js";
import { escaped, tableLine } from "./markdown-text.js";
import { groupSentence, trendNotes, trendRows, trendSentence } from "./trend-words.js";

/** @returns lines, the last one ended */
export function trendMarkdown(trend: Trend, skipped: readonly { readonly reason: string }[]): string {
  const lines = [
    "### slotmark: trend",
    "",
    escaped(trendSentence(trend)),
    ...trend.groups.flatMap((group) => {
      const rows = trendRows(group);
      return [
        "",
        `**${escaped(groupSentence(group))}**`,
        "",
        ...(rows.length === 0 ? ["no change"] : ["| | median | change | p | results | | between |"]),
        ...(rows.length === 0 ? [] : ["| --- | ---: | ---: | ---: | ---: | --- | --- |"]),
        ...rows.map(({ name, medians, change, p, results, verdict, range }) =>
          tableLine([name, medians, change, p, results, verdict, range]),
        ),
      ];
    }),
    "",
    ...trendNotes(trend, skipped).map((note) => `- ${escaped(note)}`),
  ];
  return `${lines.join("\n")}\n`;
}
