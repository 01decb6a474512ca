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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlotmarkError("input", "json-malformed", `${where}: not JSON (${reason})`, remedy);
  }
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
