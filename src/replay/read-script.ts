/** A script file to a script that holds: every error names the file and the field, and shows what a script looks like. */
import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { SlotmarkError } from "../errors.js";
import type { SlotGeometry } from "../ondisk/slot-geometry.js";
import { parseJson } from "./json-text.js";
import { type ReplayScript, replayScriptSchema, SAMPLE_SCRIPT } from "./script.js";
import { firstBreach } from "./script-rules.js";
import { type ReplayOptions, scriptGeometry } from "./virtual-array.js";

/** Beyond this many, the rest of the schema's complaints are only counted. */
const COMPLAINTS_SHOWN = 5;

/** @throws SlotmarkError `script-unreadable`, `json-syntax` or `script-invalid` */
export async function readScript(path: string, options: ReplayOptions = {}): Promise<ReplayScript> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new SlotmarkError(
      "input",
      "script-unreadable",
      `${path} cannot be read: ${reason(error)}`,
      `name a JSON file such as ${SAMPLE_SCRIPT}`,
    );
  }
  return checkScript(parseJson(text, path), path, options);
}

/** `source` names the script in errors. @throws SlotmarkError `script-invalid` */
export function checkScript(value: unknown, source: string, options: ReplayOptions = {}): ReplayScript {
  const parsed = replayScriptSchema.safeParse(value);
  if (!parsed.success) throw invalid(source, complaints(parsed.error));
  const script = parsed.data;
  const breach = firstBreach(script, geometryOf(script, source, options));
  if (breach !== undefined) throw invalid(source, `${fieldName(breach.path)} ${breach.message}`.trim());
  return script;
}

function geometryOf(script: ReplayScript, source: string, options: ReplayOptions): SlotGeometry {
  try {
    return scriptGeometry(script, options);
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
    throw invalid(source, `geometry: ${error.message}`);
  }
}

function invalid(source: string, what: string): SlotmarkError {
  return new SlotmarkError(
    "input",
    "script-invalid",
    `${source}: ${what}`,
    `correct the script; a valid one: ${SAMPLE_SCRIPT}`,
  );
}

function complaints(error: z.ZodError): string {
  const shown = error.issues
    .slice(0, COMPLAINTS_SHOWN)
    .map(({ path, message }) => `${fieldName(path) || "the script"}: ${message}`);
  const more = error.issues.length - shown.length;
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** `["writes", 3, "node"]` is `writes[3].node`. */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
