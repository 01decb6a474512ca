/** Result files: written whole or not at all, read with every field checked. */
import { readFileSync } from "node:fs";
import { fileError, writeFileAtomically } from "./atomic-file.js";
import { type Result, resultSchema } from "./schema.js";
import { parseChecked } from "./validation.js";

/**
 * Writes a result; readers see the old file, no file, or the whole new one.
 * @throws SlotmarkError `path-unusable` (input), `file-failed` (device)
 */
export function writeResult(path: string, result: Result): void {
  writeFileAtomically(path, `${JSON.stringify(resultSchema.parse(result), null, 2)}\n`);
}

/** @throws SlotmarkError `path-unusable`, `json-malformed`, `schema-mismatch`, naming file and field */
export function readResult(path: string): Result {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("reading", path, error);
  }
  return parseChecked(
    resultSchema,
    text,
    path,
    "Name a result file that slotmark run wrote (slotmark schema result).",
  );
}
