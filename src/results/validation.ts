/** JSON text to a value that a schema has checked; an error names file, place, what was found and what was expected. */
import type { z } from "zod";
import { SlotmarkError } from "../errors.js";

function fieldPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_]\w*$/.test(String(part))) text += text === "" ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

/**
 * @param where names the text in errors: a path, or a path and a line
 * @throws SlotmarkError `json-malformed`, `schema-mismatch`
 */
export function parseChecked<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  where: string,
  remedy: string,
): z.infer<Schema> {
  const value = parseJson(text, where, remedy);
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [first, ...others] = checked.error.issues;
  const field = fieldPath(first?.path ?? []);
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new SlotmarkError(
    "input",
    "schema-mismatch",
    `${where}: ${field === "" ? "" : `field ${field}: `}${first?.message ?? "invalid"}${more}`,
    remedy,
  );
}

function parseJson(text: string, where: string, remedy: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isCutOff(text, reason)) {
      throw new SlotmarkError(
        "input",
        "json-malformed",
        `${where}: cut off: the JSON ends in the middle, after ${text.length} characters`,
        remedy,
      );
    }
    throw new SlotmarkError("input", "json-malformed", `${where}: not JSON (${reason})`, remedy);
  }
}

/** V8 names the place of what it did not expect; at the end of the text that is the end itself. */
function isCutOff(text: string, reason: string): boolean {
  const position = /at position (\d+)/.exec(reason)?.[1];
  return text.trim() !== "" && (/^Unexpected end/.test(reason) || Number(position) >= text.trimEnd().length);
}

/**
 * Text of a later version than this slotmark reads would fail somewhere in the middle, for a reason that helps nobody.
 * @throws SlotmarkError `schema-newer`
 */
export function refuseNewer(text: string, where: string, field: string, newestKnown: number): void {
  let version: unknown;
  try {
    version = Reflect.get(Object(JSON.parse(text)), field);
  } catch {
    // What it is instead of JSON is said by whoever reads all of it.
    return;
  }
  if (typeof version !== "number" || version <= newestKnown) return;
  throw new SlotmarkError(
    "input",
    "schema-newer",
    `${where}: field ${field}: ${version}, and this slotmark reads up to ${newestKnown}: a newer one wrote it`,
    "Update slotmark.",
  );
}
