/** What `ab` measures and what it makes of it: rounds until there are as many as planned, then the comparison of both sides. */
import type { Difference } from "../compare/comparability.js";
import { type CompareOptions, type Comparison, compareResults } from "../compare/compare-results.js";
import { confirmed, regressedIn } from "../compare/confirmation.js";
import { isDecided, type LookLevels, LookSequence, roundsOfNextLook } from "../compare/looks.js";
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

/** How long rounds are added. */
export interface TimeLimit {
  /** As the user wrote it. */
  readonly text: string;
  readonly ms: number;
}

export interface Conclusion {
  readonly comparison: Comparison;
  readonly notes: readonly string[];
}

export class AbSession {
  private readonly rounds: InterleavedRounds;
  private again: InterleavedRounds | null = null;
  /** What looks while it grew have made of it; null: it is looked at in the end. */
  private looked: Conclusion | null = null;

  constructor(private readonly plan: AbPlan) {
    this.rounds = new InterleavedRounds({ ...plan.rounds, prefix: "" });
  }

  /**
   * @param trials rounds; null: as many as the figures need that the first round shows
   * @returns false where the signal ended it
   */
  async measure(trials: number | null): Promise<boolean> {
    const planned = await this.beginning(trials, this.plan.compare.alpha);
    return planned !== null && (await this.roundsUpTo(planned));
  }

  /**
   * Rounds until every figure is decided, or no further one fits into the limit.
   * @param trials rounds before the first look; null: as many as it needs to show anything
   * @returns false where the signal ended it
   */
  async measureUntilDecided(trials: number | null, limit: TimeLimit): Promise<boolean> {
    const { compare, rounds } = this.plan;
    const startMs = performance.now();
    const fitsOneMore = () => {
      const elapsedMs = performance.now() - startMs;
      return elapsedMs + elapsedMs / this.rounds.count <= limit.ms;
    };
    const looks = new LookSequence(compare.alpha);
    let planned = await this.beginning(trials, looks.next.alpha);
    while (planned !== null && (await this.roundsUpTo(planned, fitsOneMore))) {
      const { count } = this.rounds;
      const { comparison, notes } = this.compared(this.rounds, looks.next);
      const known = looks.take(comparison, count);
      this.looked = { comparison: known, notes };
      if (isDecided(known)) return true;
      const open = known.figures.filter(({ verdict }) => verdict === "inconclusive").length;
      const left = `${open} of ${known.figures.length} figures open`;
      if (!fitsOneMore()) {
        rounds.say(`${limit.text} are over (--time-limit) with ${left}`);
        return true;
      }
      rounds.say(`${left} after ${count} ${count === 1 ? "round" : "rounds"}`);
      planned = roundsOfNextLook(count);
    }
    return false;
  }

  /**
   * The first round, which shows what there is to compare.
   * @returns rounds to measure before the comparison; null where the signal ended it
   */
  private async beginning(trials: number | null, alpha: number): Promise<number | null> {
    const least = trials ?? LEAST_ROUNDS;
    if (!(await this.rounds.measure(least))) return null;
    const first = this.afterFirst();
    if (first?.verdict === null) return this.rounds.count;
    return trials === null && first !== null
      ? Math.max(least, leastRounds(first.figures.length, alpha))
      : least;
  }

  /** @returns false where the signal ended it */
  private async roundsUpTo(planned: number, fitsOneMore = () => true): Promise<boolean> {
    while (this.rounds.count < planned && fitsOneMore())
      if (!(await this.rounds.measure(planned))) return false;
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

  /** All rounds so far, as they are known by now. */
  private first(): Conclusion {
    return this.looked ?? this.compared(this.rounds);
  }

  private compared(
    rounds: InterleavedRounds,
    how: Partial<LookLevels> & Pick<CompareOptions, "only"> = {},
  ): Conclusion {
    const { compare, varied, floors, rounds: measured } = this.plan;
    const { a, b } = rounds.merged();
    const known = floorsFor({ name: `${measured.folder}/b.json`, result: b.result }, floors);
    const turns = { roundOf: roundOfTrial, varied };
    return {
      comparison: compareResults(a, b, {
        ...compare,
        calibration: known.calibration,
        turns,
        ...how,
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
    if (this.first().comparison.verdict !== "regressed") return true;
    rounds.say(`regressed; ${count} fresh rounds are to confirm it`);
    this.again = new InterleavedRounds({ ...rounds, seed: rounds.seed + count, prefix: "confirm-" });
    while (this.again.count < count) if (!(await this.again.measure(count))) return false;
    return true;
  }

  /** @param write keep both sides' results as files, and say so */
  conclusion(write: boolean): Conclusion {
    const { comparison: first, notes } = this.first();
    const comparison =
      this.again === null
        ? first
        : confirmed(first, this.compared(this.again, { only: regressedIn(first) }).comparison);
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
