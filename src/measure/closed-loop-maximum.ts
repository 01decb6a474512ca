/**
 * What a closed loop without a bitmap reaches, by name of the maximum: rates that are percentages of it follow from the trials that
 * found it, in this run or before it was taken up again.
 */
import { findsMaximum, type TrialPlan } from "../scenario/expand-bitmap.js";
import { percentOf } from "../scenario/percentage.js";
import { medianInterval } from "./median-interval.js";
import type { TrialRecord } from "./trial-record.js";

export class ClosedLoopMaxima {
  private readonly found = new Map<string, number[]>();

  note(plan: TrialPlan, trial: TrialRecord): void {
    const writesPerSecond = trial.metrics.write_iops?.value;
    if (plan.maximum === null || !findsMaximum(plan) || writesPerSecond === undefined) return;
    this.found.set(plan.maximum, [...(this.found.get(plan.maximum) ?? []), writesPerSecond]);
  }

  /** Writes a second of the whole cluster; null: closed loop, or as a trace has it. */
  ratePerSecond({ rate, maximum }: TrialPlan): number | null {
    if (rate === "closed" || rate === "recorded") return null;
    if (typeof rate === "number") return rate;
    const writesPerSecond = medianInterval(this.found.get(maximum ?? "") ?? [])?.median;
    if (writesPerSecond === undefined) throw new Error(`${maximum} has not been measured`);
    return (writesPerSecond * percentOf(rate)) / 100;
  }
}
