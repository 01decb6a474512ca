/**
 * Random histories of arrays: joins, leaves, writes, passes, failing members, nodes that die at random points. Each ends
 * with a consistent array that holds every completed write.
 *
 * One history alone: SLOTMARK_HISTORY_SEED=4711 node --test dist/test/cluster/histories.test.js
 * From another seed on, or another number of them: SLOTMARK_HISTORY_FIRST, SLOTMARK_HISTORIES.
 */
import { suite, test } from "node:test";
import { planOf, planText } from "./history-plan.js";
import { History, HistoryFailure } from "./history-run.js";

const HISTORIES = 1000;
const TIMEOUT_MS = 100;
const HANGS_MS = 20_000;
const FIRST_SEED = 1;
const LANES = 2;

function numberFrom(variable: string): number | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : Number(text);
}

async function live(seed: number): Promise<void> {
  const plan = planOf(seed);
  try {
    await History.run(plan, `history-${process.pid}-${seed}`, { timeoutMs: TIMEOUT_MS, hangsMs: HANGS_MS });
  } catch (error) {
    if (!(error instanceof HistoryFailure)) throw error;
    throw new Error(
      [
        `history ${seed}: ${error.message}`,
        planText(plan),
        `again: SLOTMARK_HISTORY_SEED=${seed} node --test dist/test/cluster/histories.test.js`,
      ].join("\n"),
    );
  }
}

suite("random histories", () => {
  const only = numberFrom("SLOTMARK_HISTORY_SEED");
  if (only !== undefined) {
    test(`history ${only}`, () => live(only));
    return;
  }
  const first = numberFrom("SLOTMARK_HISTORY_FIRST") ?? FIRST_SEED;
  const count = numberFrom("SLOTMARK_HISTORIES") ?? HISTORIES;
  test(`${count} histories from seed ${first} on`, async () => {
    let next = first;
    const lane = async () => {
      while (next < first + count) await live(next++);
    };
    // They wait most of the time, for time-outs above all.
    await Promise.all(Array.from({ length: LANES }, lane));
  });
});
