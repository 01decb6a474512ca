/** A history's change points as annotations of a GitHub Actions run; a past regression is news, and no failure of this run. */
import type { Trend } from "../compare/trend.js";
import { annotation } from "./github-annotation.js";
import { trendNotes, trendRows, trendSentence } from "./trend-words.js";

/** @returns lines, the last one ended */
export function trendGithub(trend: Trend, skipped: readonly { readonly reason: string }[]): string {
  const changes = trend.groups.flatMap(trendRows).map(({ name, medians, change, p, verdict, range }) => {
    const level = verdict === "regressed" ? "warning" : "notice";
    return annotation(
      level,
      `slotmark: ${verdict} in the past`,
      `${name} ${change} (${medians}), p ${p}, ${range}`,
    );
  });
  const whole = [trendSentence(trend), ...trendNotes(trend, skipped)].join("\n");
  return `${[...changes, annotation("notice", "slotmark: trend", whole)].join("\n")}\n`;
}
