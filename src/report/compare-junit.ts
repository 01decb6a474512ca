/** A comparison as JUnit XML: a test case a figure and variant, so that CI shows a regression as a failed test. */
import { create } from "xmlbuilder2";
import type { Comparison } from "../compare/compare-results.js";
import type { ComparedFigure } from "../compare/compared-figure.js";
import { figureName } from "../compare/metric-figures.js";
import { comparedNames } from "./compare-names.js";
import { verdictText } from "./compare-rows.js";
import { comparisonText } from "./compare-text.js";
import { comparisonNotes, figureSentence, verdictSentence } from "./compare-words.js";
import { PLAIN } from "./terminal-style.js";

/** @returns the document, its last line ended */
export function comparisonJunit(comparison: Comparison, more: readonly string[] = []): string {
  const { figures, unmatched, differences, verdict, anyway, unlike } = comparison;
  // Who compares unlike things knows that they do not have all in common.
  const lost = unlike ? [] : unmatched;
  const failures = figures.filter((figure) => figure.verdict === "regressed").length;
  const open = figures.filter((figure) => figure.verdict === "inconclusive").length;
  const errors = verdict === null ? differences.length : open + lost.length;
  const tests = verdict === null ? differences.length : figures.length + lost.length;
  const counts = { name: "slotmark compare", tests, failures, errors };

  const root = create({ version: "1.0", encoding: "UTF-8", invalidCharReplacement: "\ufffd" }).ele(
    "testsuites",
    counts,
  );
  const suite = root.ele("testsuite", {
    ...counts,
    timestamp: comparison.head.createdAt.replace(/\.\d+Z$|Z$/, ""),
  });
  const properties = suite.ele("properties");
  const property = (name: string, value: string) => properties.ele("property", { name, value });
  property("verdict", verdict ?? "not comparable");
  property("base", comparison.base.name);
  property("head", comparison.head.name);
  property("anyway", String(anyway));

  const nameOf = comparedNames(comparison);
  const testcase = (classname: string, name: string) => suite.ele("testcase", { classname, name, time: "0" });
  if (verdict === null) {
    for (const { kind, field, base, head } of differences) {
      testcase(`slotmark.${kind}`, field).ele("error", {
        type: "not-comparable",
        message: `BASE ${base}, HEAD ${head}`,
      });
    }
  }
  for (const figure of figures) {
    const entry = testcase(`slotmark.${figureName(figure)}`, nameOf(figure.variant));
    const outcome = outcomeOf(figure);
    if (outcome !== null) {
      const { element, message } = outcome;
      entry.ele(element, { type: figure.verdict, message }).txt(figureSentence(comparison, figure));
    } else entry.ele("system-out").txt(figureSentence(comparison, figure));
  }
  for (const { variant, figure } of lost) {
    const what = figure === null ? "slotmark" : `slotmark.${figureName(figure)}`;
    testcase(what, nameOf(variant)).ele("error", {
      type: "inconclusive",
      message: "not measured on both sides",
    });
  }
  suite.ele("system-out").txt(`${verdictSentence(comparison)}\n\n${comparisonText(comparison, more, PLAIN)}`);
  suite.ele("system-err").txt([...comparisonNotes(comparison), ...more].join("\n"));
  return `${root.end({ prettyPrint: true })}\n`;
}

function outcomeOf(
  figure: ComparedFigure,
): { readonly element: "failure" | "error"; readonly message: string } | null {
  if (figure.verdict === "regressed")
    return { element: "failure", message: "worse, beyond chance and the noise floor" };
  if (figure.verdict === "inconclusive") return { element: "error", message: verdictText(figure) };
  return null;
}
