/** A rule that decides from two samples whether something changed: slotmark's and others', all asked about the same draws. */
import type { FigurePair } from "../../../src/compare/paired-figures.js";

export type Found = "regressed" | "improved" | null;

export interface Rule {
  readonly name: string;
  /** Where it is written down. */
  readonly source: string;
  /** Asked about rounds of neighbours instead of samples one by one. */
  readonly byRounds?: true;
  /** @returns of each figure whether it has changed, in their order */
  judge(pairs: readonly FigurePair[]): Found[];
}

/** Of a ratio head ÷ base. */
export function worseOrBetter({ direction }: FigurePair, isHigher: boolean): Found {
  return (direction === "lower") === isHigher ? "regressed" : "improved";
}
