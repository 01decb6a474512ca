/**
 * In what two machines' results of a suite differ besides the machine, by compare's own rule: their ratio is marked where it
 * stands. Runs in the page as well.
 */
import { differences } from "../../compare/comparability.js";
import type { Result } from "../../results/schema.js";

/** The machines are what is compared here. */
const OF_MACHINES: ReadonlySet<string> = new Set(["machine", "device"]);
/** More are counted. */
const MOST_NAMED = 4;

/** @returns one text a difference, such as `backends.io uring against psync`; empty: like with like */
export function workDifferences(base: Result, other: Result): string[] {
  const found = differences(base, other).filter(
    ({ kind, field }) => !OF_MACHINES.has(kind) && field !== "scenarioHash",
  );
  const texts = found.map(({ field, base: before, head }) => `${field} ${head} against ${before}`);
  const [before, after] = [base, other].map(({ environment }) => environment.members.length);
  if (before !== after) texts.unshift(`${after} members against ${before}`);
  // The hash covers what no field of the scenario shows.
  if (texts.length === 0 && base.scenarioHash !== other.scenarioHash) return ["another scenario"];
  const more = texts.length > MOST_NAMED ? [`and ${texts.length - MOST_NAMED} more`] : [];
  return [...texts.slice(0, MOST_NAMED), ...more];
}
