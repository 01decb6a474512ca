/**
 * Scenarios from a YAML file: one mapping, or a list of them. What a mapping leaves out comes from the suite that it names under
 * `basedOn`; single values stand for lists of one, sizes and times may be written as the command line takes them. Every error
 * names file, line and column.
 */
import fs from "node:fs";
import path from "node:path";
import { isMap, isNode, isPair, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { SlotmarkError } from "../errors.js";
import { isSizeField, isTimeField } from "./file-schema.js";
import { parseSizeBytes, parseTimeMs } from "./quantities.js";
import { type Scenario, scenarioSchema } from "./schema.js";
import { suiteNamed } from "./suites.js";
import { impliedRate, withAbsolutePath } from "./trace-workload.js";

const DEFAULT_SUITE = "bitmap";

export function isScenarioFile(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** @throws SlotmarkError `scenario-unreadable`, `scenario-invalid` */
export function readScenarioFile(file: string): Scenario[] {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new SlotmarkError(
      "input",
      "scenario-unreadable",
      `${file} cannot be read: ${error instanceof Error ? error.message : error}`,
      "Check the path; `slotmark run --list` names the built-in suites.",
    );
  }
  return parseScenarios(text, file);
}

/** `file` names the text in errors, and its scenarios unless they name themselves. @throws SlotmarkError `scenario-invalid` */
export function parseScenarios(text: string, file: string): Scenario[] {
  const lines = new LineCounter();
  const fail = (offset: number, message: string): SlotmarkError => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return new SlotmarkError(
      "input",
      "scenario-invalid",
      `${file}:${Math.max(1, line)}:${Math.max(1, col)}: ${message}`,
      "`slotmark schema scenario` has every field; what a file leaves out comes from the suite it names as basedOn.",
    );
  };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken !== undefined) throw fail(broken.pos[0], `this is no YAML: ${broken.message}`);
  const { contents } = document;
  const mappings = isSeq(contents) ? contents.items : [contents];
  if (mappings.length === 0) throw fail(0, "expected at least one scenario");
  const name = path.basename(file).replace(/\.ya?ml$/i, "");
  return mappings.map((mapping) => {
    if (isMap(mapping)) return scenarioOf(mapping, { name, folder: path.dirname(file) }, fail);
    const found = isNode(mapping) ? offsetOf(mapping) : 0;
    throw fail(found, "expected a mapping of a scenario's fields, such as `nodes: [2, 4]`");
  });
}

type Fail = (offset: number, message: string) => SlotmarkError;

/** What stands for a name where a scenario has none, and where relative paths begin. */
interface FilePlace {
  readonly name: string;
  readonly folder: string;
}

function scenarioOf(mapping: YAMLMap, { name, folder }: FilePlace, fail: Fail): Scenario {
  const keys = new Map<string, Node>();
  const fields = new Map<string, Node>();
  const raw: Record<string, unknown> = {};
  for (const pair of mapping.items) {
    const key = isPair(pair) && isNode(pair.key) ? pair.key : mapping;
    const field = String(isNode(pair.key) ? pair.key.toJSON() : pair.key);
    fields.set(field, isNode(pair.value) ? pair.value : key);
    raw[field] = isNode(pair.value) ? pair.value.toJSON() : pair.value;
    keys.set(field, key);
  }
  const at = (field: string) => offsetOf(fields.get(field) ?? mapping);
  const base = baseOf(raw, (field, message) => fail(at(field), message));
  const { basedOn: _, ...own } = raw;
  const merged: Record<string, unknown> = { ...base, suite: name };
  for (const [field, value] of Object.entries(own)) {
    try {
      merged[field] = inItsUnit(field, value, Reflect.get(base, field));
    } catch (error) {
      if (!(error instanceof SlotmarkError)) throw error;
      throw fail(at(field), `${field}: ${error.message}. ${error.remedy}`);
    }
  }
  if (Array.isArray(merged.workload)) {
    merged.workload = merged.workload.map((one) => withAbsolutePath(one, folder));
    if (own.rate === undefined && own.workload !== undefined)
      merged.rate = impliedRate(merged.workload) ?? merged.rate;
  }
  const checked = scenarioSchema.safeParse(merged);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  if (issue?.code === "unrecognized_keys") {
    const [unknown = ""] = issue.keys;
    const known = Object.keys(base).filter((field) => field !== "kind");
    throw fail(
      offsetOf(keys.get(unknown) ?? mapping),
      `a scenario of kind ${base.kind} has no field ${unknown}; it has ${known.join(", ")}`,
    );
  }
  const [field = "", ...inside] = issue?.path.map(String) ?? [];
  const value = inside.reduce<unknown>((found, step) => Object(found)[step], merged[field]);
  const node = inside.reduce<unknown>(
    (found, step) => (isSeq(found) ? found.get(Number(step), true) : found),
    fields.get(field),
  );
  throw fail(
    isNode(node) ? offsetOf(node) : at(field),
    `${[field, ...inside].join(".")}: ${issue?.message ?? "invalid"}, found ${JSON.stringify(value)}`,
  );
}

function baseOf(
  raw: Record<string, unknown>,
  fail: (field: string, message: string) => SlotmarkError,
): Scenario {
  const { basedOn, kind } = raw;
  if (basedOn === undefined && kind !== undefined && suiteOfKind(kind) === undefined) {
    throw fail(
      "kind",
      `kind: expected one of ${Object.keys(SUITE_OF_KIND).join(", ")}, found ${JSON.stringify(kind)}`,
    );
  }
  const named = typeof basedOn === "string" ? basedOn : (suiteOfKind(kind) ?? DEFAULT_SUITE);
  if (basedOn !== undefined && typeof basedOn !== "string") {
    throw fail("basedOn", "basedOn: expected the name of a built-in suite");
  }
  let scenarios: readonly Scenario[];
  try {
    ({ scenarios } = suiteNamed(named));
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
    throw fail("basedOn", `basedOn: ${error.message}; ${error.remedy}`);
  }
  const base = kind === undefined ? scenarios[0] : scenarios.find((scenario) => scenario.kind === kind);
  if (base !== undefined) return base;
  const has = [...new Set(scenarios.map((scenario) => scenario.kind))].join(", ");
  throw fail("kind", `kind: the suite ${named} has ${has}, not ${JSON.stringify(kind)}`);
}

/** The suite that has a scenario of this kind alone. */
const SUITE_OF_KIND: Readonly<Record<string, string>> = {
  bitmap: DEFAULT_SUITE,
  locks: "locks",
  messages: "messages",
  addDisk: "add-disk",
  recovery: "recovery",
};

function suiteOfKind(kind: unknown): string | undefined {
  return typeof kind === "string" && Object.hasOwn(SUITE_OF_KIND, kind) ? SUITE_OF_KIND[kind] : undefined;
}

/** A single value as a list of one where lists belong; texts of sizes and times as bytes and milliseconds. */
function inItsUnit(field: string, value: unknown, standard: unknown): unknown {
  if (Array.isArray(standard) && !Array.isArray(value)) return [inItsUnit(field, value, undefined)];
  if (Array.isArray(value)) return value.map((one) => inItsUnit(field, one, undefined));
  if (typeof value !== "string") return value;
  if (isTimeField(field)) return Math.round(parseTimeMs(value));
  if (isSizeField(field) && value !== "all" && !value.endsWith("%")) return parseSizeBytes(value);
  return value;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
