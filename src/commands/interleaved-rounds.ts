/**
 * Rounds of two sides by turns: in each round both run once, each by a process of its own, with the same seed, and a coin decides who
 * goes first. The coin makes the pairs' signs a matter of chance, whatever drifts and whatever going first is worth: the tests of
 * pairs rest on it.
 */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { NamedResult } from "../compare/compare-results.js";
import { seededRandom } from "../compare/seeded-random.js";
import { SlotmarkError } from "../errors.js";
import { mergeRounds } from "../results/round-merge.js";
import type { Result } from "../results/schema.js";
import { writeResult } from "../results/store.js";
import { childRun } from "./child-run.js";

export interface RunningSide {
  readonly name: string;
  /** The build's main.js. */
  readonly main: string;
  /** What follows `slotmark run`. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface Rounds {
  readonly a: RunningSide;
  readonly b: RunningSide;
  /** Of the first round; each further one has the next. */
  readonly seed: number;
  /** For results while they are measured, and in the end. */
  readonly folder: string;
  /** Before the files' names: a.json and b.json. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export class InterleavedRounds {
  private readonly results: { readonly a: Result[]; readonly b: Result[] } = { a: [], b: [] };
  private readonly coin: (limit: number) => number;

  constructor(private readonly plan: Rounds) {
    this.coin = seededRandom(plan.seed);
  }

  get count(): number {
    return this.results.b.length;
  }

  /**
   * @param planned rounds in all, to say so
   * @returns false where the signal ended it
   * @throws SlotmarkError what a run said, and of which side
   */
  async measure(planned: number): Promise<boolean> {
    const { plan, count } = this;
    const order = this.coin(2) === 0 ? (["a", "b"] as const) : (["b", "a"] as const);
    plan.say(
      `${plan.prefix}round ${count + 1} of ${planned}: ${order[0] === "a" ? "A, then B" : "B, then A"}`,
    );
    const measured: Partial<Record<"a" | "b", Result>> = {};
    for (const side of order) {
      const result = await this.runOf(side);
      if (result === null) return false;
      measured[side] = result;
    }
    if (measured.a === undefined || measured.b === undefined) throw new Error("both sides were measured");
    this.results.a.push(measured.a);
    this.results.b.push(measured.b);
    return true;
  }

  private async runOf(side: "a" | "b"): Promise<Result | null> {
    const { plan, count } = this;
    const { main, args, environment, name } = plan[side];
    mkdirSync(plan.folder, { recursive: true });
    const out = path.join(plan.folder, `${plan.prefix}${side}.round.json`);
    const seed = String(plan.seed + count);
    try {
      return await childRun({
        main,
        args: [...args, "--trials", "1", "--seed", seed],
        out,
        environment,
        signal: plan.signal,
      });
    } catch (error) {
      if (!(error instanceof SlotmarkError)) throw error;
      throw new SlotmarkError(error.kind, error.code, `${name}: ${error.message}`, error.remedy);
    } finally {
      for (const file of [out, `${out}.journal`]) rmSync(file, { force: true });
    }
  }

  /** Both sides' trials so far; of at least one round. */
  merged(): { readonly a: NamedResult; readonly b: NamedResult } {
    const { plan, results } = this;
    return {
      a: { name: plan.a.name, result: mergeRounds(results.a) },
      b: { name: plan.b.name, result: mergeRounds(results.b) },
    };
  }

  /** @returns the files' paths */
  write(): readonly string[] {
    const { a, b } = this.merged();
    return [a, b].map(({ result }, index) => {
      const file = path.join(this.plan.folder, `${this.plan.prefix}${index === 0 ? "a" : "b"}.json`);
      writeResult(file, result);
      return file;
    });
  }
}
