/** Result files: written whole or not at all, read with every field checked. */
import { readFileSync } from "node:fs";
import { SlotmarkError } from "../errors.js";
import { fileError, writeFileAtomically } from "./atomic-file.js";
import { type Result, resultSchema, SCHEMA_VERSION } from "./schema.js";
import { parseChecked, refuseNewer } from "./validation.js";

/**
 * Writes a result; readers see the old file, no file, or the whole new one.
 * @throws SlotmarkError `path-unusable` (input), `file-failed` (device)
 */
export function writeResult(path: string, result: Result): void {
  writeFileAtomically(path, `${JSON.stringify(resultSchema.parse(result), null, 2)}\n`);
}

/** @throws SlotmarkError `path-unusable`, `result-is-a-journal`, `json-malformed`, `schema-newer`, `schema-mismatch`, naming file and field */
export function readResult(path: string): Result {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("reading", path, error);
  }
  refuseJournal(text, path);
  refuseNewer(text, path, "schemaVersion", SCHEMA_VERSION);
  return parseChecked(
    resultSchema,
    text,
    path,
    "Name a result file that slotmark run wrote (slotmark schema result).",
  );
}

/** It is the one file beside a result that looks like one. */
function refuseJournal(text: string, path: string): void {
  if (!text.startsWith('{"journal":"slotmark"')) return;
  throw new SlotmarkError(
    "input",
    "result-is-a-journal",
    `${path}: the journal of a run that has not ended, and no result`,
    `Let the run go on with \`slotmark run --resume ${path}\`; it writes the result.`,
  );
}
