/** JSON text to a value; a syntax error says the line and column where the text stops making sense. */
import { SlotmarkError } from "../errors.js";

/** `source` names the text in the error. @throws SlotmarkError `json-syntax` */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = errorPosition(text, error.message);
    const before = text.slice(0, position);
    const line = before.split("\n").length;
    const column = position - before.lastIndexOf("\n");
    throw new SlotmarkError(
      "input",
      "json-syntax",
      `${source}: line ${line}, column ${column}: ${wrongThere(text, position)}`,
      "correct the JSON there; a comma after the last item, a missing quote or a comment are the usual causes",
    );
  }
}

function wrongThere(text: string, position: number): string {
  const found = text.codePointAt(position);
  return found === undefined
    ? "the JSON ends too early"
    : `unexpected ${JSON.stringify(String.fromCodePoint(found))}`;
}

/**
 * Some of V8's messages name the position. One kind, "Unexpected token", does not before Node 22; but V8 reads from left to right, so
 * the shortest beginning of the text with that complaint ends with the character complained of.
 */
function errorPosition(text: string, message: string): number {
  const named = /at position (\d+)/.exec(message)?.[1];
  if (named !== undefined) return Number(named);
  if (!message.startsWith("Unexpected token")) return text.length;
  let good = 0;
  let bad = text.length;
  while (good + 1 < bad) {
    const middle = (good + bad) >>> 1;
    if (complainsOfToken(text.slice(0, middle))) bad = middle;
    else good = middle;
  }
  return bad - 1;
}

function complainsOfToken(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return error instanceof SyntaxError && error.message.startsWith("Unexpected token");
  }
}
