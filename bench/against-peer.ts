/** slotmark against one peer, from samples of both taken in turn: ratio of throughput, CPU time a write, and whether that is enough. */
import { medianInterval } from "../src/measure/median-interval.js";
import type { Cost } from "./interleave.js";
import { type Quartiles, quartiles } from "./quartiles.js";

export interface PeerBounds {
  /** The median of the ratios is at least this. */
  readonly ratio: number;
  /** So is the lower end of the median's 95 % interval. */
  readonly lowerBound: number;
  /** CPU time a write, of the peer's, at most; null: not judged. */
  readonly cpuRatio: number | null;
}

export interface AgainstPeer {
  /** slotmark's throughput by the peer's, sample by sample: above 1 slotmark is faster. */
  readonly ratio: Quartiles;
  /** Lower end of the distribution-free 95 % interval of that median. */
  readonly lowerBound: number;
  readonly slotmark: CostSummary;
  readonly peer: CostSummary;
  /** slotmark's CPU time a write by the peer's: below 1 slotmark needs less. */
  readonly cpuRatio: Quartiles;
  readonly missed: readonly string[];
}

interface CostSummary {
  readonly perSecond: Quartiles;
  readonly cpuNsEach: Quartiles;
}

export function againstPeer(
  slotmark: readonly Cost[],
  peer: readonly Cost[],
  bounds: PeerBounds,
): AgainstPeer {
  const ratios = eachBy(slotmark, peer, (cost) => cost.perSecond);
  const ratio = quartiles(ratios);
  const lowerBound = medianInterval(ratios)?.low ?? Number.NaN;
  const cpuRatio = quartiles(eachBy(slotmark, peer, (cost) => cost.cpuNsEach));
  const missed: string[] = [];
  if (!(ratio.median >= bounds.ratio)) missed.push(`median below ${bounds.ratio}`);
  if (!(lowerBound >= bounds.lowerBound)) missed.push(`bound below ${bounds.lowerBound}`);
  if (bounds.cpuRatio !== null && !(cpuRatio.median <= bounds.cpuRatio)) missed.push("more CPU");
  return { ratio, lowerBound, slotmark: summary(slotmark), peer: summary(peer), cpuRatio, missed };
}

function eachBy(ours: readonly Cost[], theirs: readonly Cost[], of: (cost: Cost) => number): number[] {
  return ours.map((cost, sample) => {
    const other = theirs[sample];
    return other === undefined ? Number.NaN : of(cost) / of(other);
  });
}

function summary(costs: readonly Cost[]): CostSummary {
  return {
    perSecond: quartiles(costs.map(({ perSecond }) => perSecond)),
    cpuNsEach: quartiles(costs.map(({ cpuNsEach }) => cpuNsEach)),
  };
}
