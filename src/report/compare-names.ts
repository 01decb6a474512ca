/** What a comparison's variants are called: by what sets them apart from each other. */
import type { Comparison } from "../compare/compare-results.js";
import type { Variant } from "../compare/variants.js";
import { commonLabels, describeLabels } from "./trial-groups.js";

const BITMAP_WORDS: Readonly<Record<string, string>> = { on: "with bitmap", off: "without bitmap" };

/** @returns the name of each variant of this comparison */
export function comparedNames({ figures, unmatched }: Comparison): (variant: Variant) => string {
  return variantNames([...figures, ...unmatched].map(({ variant }) => variant));
}

/** @param variants all that are shown together */
export function variantNames(variants: readonly Variant[]): (variant: Variant) => string {
  const shared = new Set(Object.keys(commonLabels({ trials: variants })));
  const severalSuites = new Set(variants.map(({ suite }) => suite)).size > 1;
  return ({ suite, phase, labels }) => {
    const { bitmap, ...others } = labels;
    const own = Object.fromEntries(Object.entries(others).filter(([name]) => !shared.has(name)));
    const parts = [
      severalSuites ? suite : "",
      // Only a bitmap has phases.
      bitmap === undefined ? "" : phase,
      bitmap === undefined ? "" : (BITMAP_WORDS[String(bitmap)] ?? `bitmap ${bitmap}`),
      describeLabels(own),
    ];
    return parts.filter((part) => part !== "").join(", ") || suite;
  };
}

/** What all variants have in common, for the head of a report. */
export function sharedWork({ figures, unmatched }: Comparison): string {
  const variants = [...figures, ...unmatched].map(({ variant }) => variant);
  const suites = [...new Set(variants.map(({ suite }) => suite))].join(", ");
  const labels = describeLabels(commonLabels({ trials: variants }));
  return [suites, labels].filter((part) => part !== "").join(": ");
}
