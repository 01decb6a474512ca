/** A comparison as workflow commands of GitHub Actions, which become annotations of the run. */
import type { Comparison } from "../compare/compare-results.js";
import { figureName } from "../compare/metric-figures.js";
import { verdictText } from "./compare-rows.js";
import { comparisonNotes, figureSentence, verdictSentence } from "./compare-words.js";
import { annotation } from "./github-annotation.js";

/** @returns lines, the last one ended: an annotation for each figure that has something to say, and one for the whole */
export function comparisonGithub(comparison: Comparison, more: readonly string[] = []): string {
  const { verdict, figures, differences } = comparison;
  const annotations: string[] = [];
  for (const { kind, field, base, head } of differences) {
    const level = comparison.anyway ? "warning" : "error";
    annotations.push(annotation(level, `slotmark: ${kind} differs`, `${field}: BASE ${base}, HEAD ${head}`));
  }
  for (const figure of figures) {
    if (figure.verdict === "unchanged") continue;
    const level = { regressed: "error", improved: "notice", inconclusive: "warning" } as const;
    const title = `slotmark: ${figureName(figure)} ${verdictText(figure)}`;
    annotations.push(annotation(level[figure.verdict], title, figureSentence(comparison, figure)));
  }
  const whole = [verdictSentence(comparison), ...comparisonNotes(comparison), ...more].join("\n");
  const level =
    verdict === "regressed" || verdict === null ? "error" : verdict === "inconclusive" ? "warning" : "notice";
  annotations.push(annotation(level, `slotmark: ${verdict ?? "not comparable"}`, whole));
  return `${annotations.join("\n")}\n`;
}
