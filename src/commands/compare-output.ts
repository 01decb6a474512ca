/** Prints a comparison and turns its verdict into the outcome of the command. */
import type { Comparison } from "../compare/compare-results.js";
import { comparisonGithub } from "../report/compare-github.js";
import { comparisonMarkdown } from "../report/compare-markdown.js";
import { comparisonText } from "../report/compare-text.js";
import { comparisonNotes, verdictSentence } from "../report/compare-words.js";
import { writeFileAtomically } from "../results/atomic-file.js";
import type { CompareCommandOptions, Format } from "./compare-options.js";
import { ReportedFailure } from "./reported-failure.js";

/**
 * @param notes sentences that the comparison itself cannot know
 * @throws SlotmarkError where the Markdown file cannot be written; ReportedFailure of kind `regression`, `incomparable` or `inconclusive`
 */
export async function concludeComparison(
  comparison: Comparison,
  notes: readonly string[],
  options: Pick<CompareCommandOptions, "format" | "json" | "markdown">,
): Promise<void> {
  process.stdout.write(await printed(comparison, notes, options.json ? "json" : options.format));
  if (options.markdown !== undefined)
    writeFileAtomically(options.markdown, comparisonMarkdown(comparison, notes));
  const failure = failureOf(comparison);
  if (failure !== null) throw failure;
}

async function printed(comparison: Comparison, notes: readonly string[], format: Format): Promise<string> {
  switch (format) {
    case "text":
      return comparisonText(comparison, notes);
    case "markdown":
      return comparisonMarkdown(comparison, notes);
    case "github":
      return comparisonGithub(comparison, notes);
    case "json":
      return `${JSON.stringify(jsonOf(comparison, notes), null, 2)}\n`;
    case "junit": {
      // The XML library is large, and nobody else needs it.
      const { comparisonJunit } = await import("../report/compare-junit.js");
      return comparisonJunit(comparison, notes);
    }
  }
}

function jsonOf(comparison: Comparison, notes: readonly string[]): object {
  const failure = failureOf(comparison);
  const summary = verdictSentence(comparison);
  const error = failure && { code: failure.code, message: summary, remedy: remedyOf(comparison) };
  return {
    summary,
    ...comparison,
    notes: [...comparisonNotes(comparison), ...notes],
    ...(error ? { error } : {}),
  };
}

function failureOf({ verdict }: Comparison): ReportedFailure | null {
  if (verdict === null)
    return new ReportedFailure("incomparable", "not-comparable", "the results are not comparable");
  if (verdict === "regressed") return new ReportedFailure("regression", "regressed", "a figure regressed");
  if (verdict === "inconclusive")
    return new ReportedFailure("inconclusive", "inconclusive", "not all figures could be decided");
  return null;
}

function remedyOf({ verdict }: Comparison): string {
  if (verdict === null)
    return "Measure both on the same machine with the same options, or compare with --anyway.";
  if (verdict === "regressed") return "Look at the figures that regressed.";
  return "Measure with more trials, or on a quieter machine.";
}
