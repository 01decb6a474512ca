import assert from "node:assert/strict";
import { test } from "node:test";
import { suites } from "../../src/scenario/suites.js";
import { sampleResult } from "../results/sample.js";
import { runSlotmark } from "./run-slotmark.js";

interface JsonSchema {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Kinds of scenario. */
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

function fieldsOf({ properties = {}, anyOf = [], oneOf = [] }: JsonSchema): string[] {
  return [...Object.keys(properties), ...[...anyOf, ...oneOf].flatMap(fieldsOf)];
}

function schema(name: string): JsonSchema {
  const { code, stdout } = runSlotmark(["schema", name]);
  assert.equal(code, 0);
  return JSON.parse(stdout);
}

test("the result's schema asks for exactly the fields of the contract", () => {
  const { required, properties } = schema("result");
  const contract = Object.keys(sampleResult()).sort();
  assert.deepEqual([...(required ?? [])].sort(), contract);
  // Where a run had several machines, or ends in advice, and only there.
  assert.deepEqual(Object.keys(properties ?? {}).sort(), [...contract, "chunkAdvice", "cluster"].sort());
  assert.ok(contract.includes("scenarioHash") && contract.includes("histograms"));
});

test("the scenario's schema knows every field of every built-in suite", () => {
  const known = new Set(fieldsOf(schema("scenario").$defs?.scenario ?? {}));
  assert.ok(suites.size > 0);
  for (const [name, { scenarios }] of suites) {
    for (const field of scenarios.flatMap(Object.keys)) assert.ok(known.has(field), `${name}: ${field}`);
  }
});
