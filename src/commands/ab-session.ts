/** What `ab` measures and what it makes of it: rounds until there are as many as planned, then the comparison of both sides. */
import type { Difference } from "../compare/comparability.js";
import { type CompareOptions, type Comparison, compareResults } from "../compare/compare-results.js";
import { confirmed, regressedIn } from "../compare/confirmation.js";
import { leastRounds } from "../compare/paired-rounds.js";
import { SlotmarkError } from "../errors.js";
import { roundOfTrial } from "../results/round-merge.js";
import { InterleavedRounds, type Rounds } from "./interleaved-rounds.js";
import { floorsFor } from "./known-floors.js";

/** As many as `run` repeats by itself. */
export const LEAST_ROUNDS = 12;

export interface AbPlan {
  readonly rounds: Omit<Rounds, "prefix">;
  readonly compare: Omit<CompareOptions, "calibration" | "turns">;
  /** In what the sides differ on purpose. */
  readonly varied: ReadonlySet<Difference["kind"]>;
  readonly floors: { readonly calibration?: string; readonly anyway?: boolean };
}

export interface Conclusion {
  readonly comparison: Comparison;
  readonly notes: readonly string[];
}

export class AbSession {
  private readonly rounds: InterleavedRounds;
  private again: InterleavedRounds | null = null;

  constructor(private readonly plan: AbPlan) {
    this.rounds = new InterleavedRounds({ ...plan.rounds, prefix: "" });
  }

  /**
   * @param trials rounds; null: as many as the figures need that the first round shows
   * @returns false where the signal ended it
   */
  async measure(trials: number | null): Promise<boolean> {
    let planned = trials ?? LEAST_ROUNDS;
    while (this.rounds.count < planned) {
      if (!(await this.rounds.measure(planned))) return false;
      if (this.rounds.count > 1) continue;
      const first = this.afterFirst();
      if (first?.verdict === null) return true;
      if (trials === null && first !== null)
        planned = Math.max(planned, leastRounds(first.figures.length, this.plan.compare.alpha));
    }
    return true;
  }

  /** What can never be compared is said now and not after all rounds; what has only not settled may still do so. */
  private afterFirst(): Comparison | null {
    try {
      return this.compared(this.rounds).comparison;
    } catch (error) {
      if (error instanceof SlotmarkError && error.code === "nothing-in-common") return null;
      throw error;
    }
  }

  private compared(rounds: InterleavedRounds, only?: CompareOptions["only"]): Conclusion {
    const { compare, varied, floors, rounds: measured } = this.plan;
    const { a, b } = rounds.merged();
    const known = floorsFor({ name: `${measured.folder}/b.json`, result: b.result }, floors);
    const turns = { roundOf: roundOfTrial, varied };
    return {
      comparison: compareResults(a, b, {
        ...compare,
        calibration: known.calibration,
        turns,
        ...(only && { only }),
      }),
      notes: known.notes,
    };
  }

  /**
   * Fresh rounds, as many as before, for what regressed; none where nothing did.
   * @returns false where the signal ended it
   */
  async confirm(): Promise<boolean> {
    const { rounds } = this.plan;
    const { count } = this.rounds;
    if (this.compared(this.rounds).comparison.verdict !== "regressed") return true;
    rounds.say(`regressed; ${count} fresh rounds are to confirm it`);
    this.again = new InterleavedRounds({ ...rounds, seed: rounds.seed + count, prefix: "confirm-" });
    while (this.again.count < count) if (!(await this.again.measure(count))) return false;
    return true;
  }

  /** @param write keep both sides' results as files, and say so */
  conclusion(write: boolean): Conclusion {
    const { comparison: first, notes } = this.compared(this.rounds);
    const comparison =
      this.again === null
        ? first
        : confirmed(first, this.compared(this.again, regressedIn(first)).comparison);
    return { comparison, notes: write ? [...notes, this.written()] : notes };
  }

  private written(): string {
    const files = [this.rounds, ...(this.again === null ? [] : [this.again])].flatMap((one) => one.write());
    return `Both sides' results: ${files.join(", ")}.`;
  }

  /** Keeps what was measured before it was cut short. @returns rounds kept */
  keep(): number {
    const { count } = this.rounds;
    if (count > 0) {
      const [a, b] = this.rounds.write();
      if (this.again !== null && this.again.count > 0) this.again.write();
      this.plan.rounds.say(
        `The ${count} whole ${count === 1 ? "round" : "rounds"} measured so far are kept; \`slotmark compare ${a} ${b}\` compares them.`,
      );
    }
    return count;
  }
}
