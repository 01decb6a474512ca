/**
 * One number for "the same work": two results with the same scenario hash did the same thing, on whatever paths and
 * with whatever version of slotmark.
 */
import { createHash } from "node:crypto";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where a scenario's bytes go and what is written about it: none of it changes the work. */
const NOT_WORK: ReadonlySet<string> = new Set([
  "destroy",
  "out",
  "resume",
  "trace",
  "onEvent",
  "noWatch",
  "watch",
]);

/** JSON with sorted keys and no spaces: equal values give equal text. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/**
 * SHA-256 (hex) of the scenario's canonical JSON. Of `members` only the number counts, since paths do not change the
 * work; outputs and safety switches do not count at all, nor how often a suite repeats its trials: whoever measures a
 * second time to be sure does the same work more often.
 */
export function scenarioHash(scenario: { readonly [key: string]: Json }): string {
  const work: Record<string, Json> = {};
  for (const [key, value] of Object.entries(scenario)) {
    if (NOT_WORK.has(key)) continue;
    if (key === "members" && Array.isArray(value)) work[key] = value.length;
    else work[key] = key === "suites" && Array.isArray(value) ? value.map(withoutTrials) : value;
  }
  return createHash("sha256").update(canonicalJson(work)).digest("hex");
}

function withoutTrials(suite: Json): Json {
  if (typeof suite !== "object" || suite === null || Array.isArray(suite)) return suite;
  return Object.fromEntries(Object.entries(suite).filter(([key]) => key !== "trials"));
}
