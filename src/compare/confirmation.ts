/** A regression that is measured once more before it counts: what becomes of the verdict. Pure. */
import { type Comparison, overall } from "./compare-results.js";
import type { ComparedFigure } from "./compared-figure.js";
import { figureName, type MetricFigure } from "./metric-figures.js";
import { type Variant, variantKey } from "./variants.js";

export interface Confirmation {
  /** Why it could not be measured once more; null: it was. */
  readonly impossible: string | null;
  /** What regressed at first. */
  readonly figures: readonly ConfirmedFigure[];
}

export interface ConfirmedFigure {
  readonly variant: Variant;
  readonly metric: ComparedFigure["metric"];
  readonly figure: ComparedFigure["figure"];
  readonly confirmed: boolean;
  /** Of the second measurement; null: it has no such figure. */
  readonly again: ComparedFigure | null;
}

type Named = MetricFigure & { readonly variant: Variant };

/** Which figure of which variant: the same in two comparisons. */
export function figureKey(named: Named): string {
  return `${variantKey(named.variant)} ${figureName(named)}`;
}

/** @returns whether a figure is one of those that regressed, for the second comparison */
export function regressedIn({ figures }: Comparison): (figure: Named) => boolean {
  const keys = new Set(figures.filter(({ verdict }) => verdict === "regressed").map(figureKey));
  return (figure) => keys.has(figureKey(figure));
}

/** A regression that nobody could measure again stays one: a gate that is asked to be sure does not open for that. */
export function unconfirmed(first: Comparison, why: string): Comparison {
  return { ...first, confirmation: { impossible: why, figures: [] } };
}

/**
 * Only what regresses in both counts. What is as before the second time is unchanged; anything else is open, for the two contradict
 * each other.
 * @param second compared what `regressedIn(first)` holds for
 */
export function confirmed(first: Comparison, second: Comparison): Comparison {
  const again = new Map(second.figures.map((figure) => [figureKey(figure), figure]));
  const wasWorse = regressedIn(first);
  const figures = first.figures.map((figure) =>
    wasWorse(figure) ? seenTwice(figure, again.get(figureKey(figure)) ?? null) : figure,
  );
  return {
    ...first,
    figures,
    verdict: overall(figures, first.unlike ? [] : first.unmatched),
    confirmation: {
      impossible: null,
      figures: first.figures.filter(wasWorse).map((figure) => {
        const one = again.get(figureKey(figure)) ?? null;
        const { variant, metric, figure: which } = figure;
        return { variant, metric, figure: which, again: one, confirmed: one?.verdict === "regressed" };
      }),
    },
  };
}

function seenTwice(first: ComparedFigure, again: ComparedFigure | null): ComparedFigure {
  if (again?.verdict === "regressed") return first;
  if (again?.verdict === "unchanged")
    return { ...first, verdict: "unchanged", reason: null, moreTrials: null };
  const { reason = null, moreTrials = null } = again ?? {};
  return { ...first, verdict: "inconclusive", reason: reason ?? "tooMuchNoise", moreTrials };
}
