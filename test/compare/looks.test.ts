import assert from "node:assert/strict";
import { test } from "node:test";
import { type Comparison, compareResults, type Turns } from "../../src/compare/compare-results.js";
import { isDecided, LookSequence, lookLevels, roundsOfNextLook } from "../../src/compare/looks.js";
import { seededRandom } from "../../src/compare/seeded-random.js";
import type { Result, Trial } from "../../src/results/schema.js";
import { madeResult } from "./made-result.js";

const TURNS: Turns = {
  roundOf: ({ id }: Trial) => Number(id.split("/").at(-1)),
  varied: new Set(),
};

type Figures = Readonly<Record<string, readonly number[]>>;

/** Looks as `ab` does it. @returns what is known after each look, until all is decided or there are `most` rounds */
function lookedAt(
  base: Figures,
  head: Figures,
  plan: { readonly alpha: number; readonly first: number; readonly most: number },
): Comparison[] {
  const looks = new LookSequence(plan.alpha);
  const known: Comparison[] = [];
  for (let rounds = plan.first; rounds <= plan.most; rounds = roundsOfNextLook(rounds)) {
    const { alpha, confidence } = looks.next;
    const [one, other] = [upTo(base, rounds), upTo(head, rounds)];
    const comparison = compareResults(
      { name: "base", result: one },
      { name: "head", result: other },
      {
        ...{ metrics: [], alpha, confidence, thresholdPercent: 0.01, anyway: false, calibration: null },
        turns: TURNS,
      },
    );
    known.push(looks.take(comparison, rounds));
    if (known.at(-1) !== undefined && isDecided(known.at(-1) as Comparison)) break;
  }
  return known;
}

function upTo(figures: Figures, rounds: number): Result {
  const entries = Object.entries(figures).map(([name, values]) => [name, values.slice(0, rounds)]);
  return madeResult([{ figures: Object.fromEntries(entries) }]);
}

/** A sum of four uniform numbers: bell-shaped, with a standard deviation of `spread`. */
function noise(random: (limit: number) => number, spread: number): number {
  let sum = 0;
  for (let draw = 0; draw < 4; draw++) sum += random(2 ** 31) / 2 ** 31;
  return (sum - 2) * Math.sqrt(3) * spread;
}

function samples(random: (limit: number) => number, factor: number, spread: number, count: number): number[] {
  return Array.from({ length: count }, () => 1000 * factor * Math.exp(noise(random, spread)));
}

test("all looks together spend no more than alpha, however many there are", () => {
  let spent = 0;
  for (let look = 1; look <= 10_000; look++) spent += lookLevels(0.01, look).alpha;
  assert.ok(spent < 0.01 && spent > 0.0099, String(spent));
  assert.equal(lookLevels(0.01, 1).alpha, 0.005);
  assert.equal(lookLevels(0.01, 2).confidence, 1 - 0.05 / 6);
});

test("where nothing changed, looking again and again finds a change no more often than alpha", () => {
  const random = seededRandom(1);
  const [comparisons, alpha] = [400, 0.1];
  let found = 0;
  let naive = 0;
  for (let one = 0; one < comparisons; one++) {
    const figures = () => ({
      "write_latency_ns:p50": samples(random, 1, 0.2, 120),
      "write_latency_ns:p99": samples(random, 1, 0.5, 120),
    });
    const known = lookedAt(figures(), figures(), { alpha, first: 10, most: 120 });
    const last = known.at(-1);
    assert.ok(known.length > 3 || (last !== undefined && isDecided(last)));
    if (last?.figures.some(({ verdict }) => verdict === "regressed" || verdict === "improved")) found++;
    if (known.some(({ figures }) => figures.some(({ p }) => p <= alpha / figures.length))) naive++;
  }
  // Three standard deviations of so many draws at alpha.
  const most = comparisons * alpha + 3 * Math.sqrt(comparisons * alpha * (1 - alpha));
  assert.ok(found <= most, `${found} of ${comparisons}`);
  assert.ok(naive > most, `tested at alpha each time, ${naive} of ${comparisons} would be found`);
});

test("a change that the first look cannot show is found by a later one, and a large one at once", () => {
  const random = seededRandom(2);
  const base = { "write_latency_ns:p50": samples(random, 1, 0.05, 200) };
  const slower = (factor: number) => ({ "write_latency_ns:p50": samples(random, factor, 0.05, 200) });
  const small = lookedAt(base, slower(1.03), { alpha: 0.01, first: 12, most: 200 });
  assert.ok(small.length > 1);
  assert.equal(small.at(-1)?.verdict, "regressed");
  const large = lookedAt(base, slower(1.5), { alpha: 0.01, first: 12, most: 200 });
  assert.deepEqual(
    large.map(({ verdict }) => verdict),
    ["regressed"],
  );
  assert.deepEqual(large[0]?.looks, { rounds: [12], alphas: [0.005] });
  assert.equal(large[0]?.alpha, 0.01);
});

test("what is decided stays as it was, whatever later rounds bring", () => {
  const random = seededRandom(3);
  const quiet = samples(random, 1.5, 0.01, 200);
  // From round 14 on the other way.
  const turned = quiet.map((value, round) => (round < 13 ? value : value / 3));
  const base = {
    "write_latency_ns:p50": samples(random, 1, 0.01, 200),
    "write_latency_ns:p99": samples(random, 1, 2, 200),
  };
  const head = { "write_latency_ns:p50": turned, "write_latency_ns:p99": samples(random, 1, 2, 200) };
  const known = lookedAt(base, head, { alpha: 0.01, first: 13, most: 60 });
  assert.deepEqual(known.at(-1)?.looks?.rounds, [13, 20, 30, 45]);
  for (const { figures, verdict } of known) {
    const [p50] = figures;
    assert.equal(p50?.verdict, "regressed");
    assert.equal(p50.rounds, 13);
    assert.equal(verdict, "regressed");
  }
});
