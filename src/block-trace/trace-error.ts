/** What is wrong with a trace, as the user sees it: file, line, what was expected and what was found. */
import { SlotmarkError } from "../errors.js";

/** A trace's text is somebody's file: no more of a line is quoted than tells it. */
const QUOTED_CHARACTERS = 120;

export interface TracePlace {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text);
}

export function malformedLine(place: TracePlace, expected: string, found: string): SlotmarkError {
  return traceError(
    "trace-malformed",
    `${place.path}: line ${place.line}: expected ${expected}, found ${quoted(found)}`,
    "Correct or remove that line, or record the trace anew.",
  );
}

export function traceError(code: string, message: string, remedy: string): SlotmarkError {
  return new SlotmarkError("input", code, message, remedy);
}

/** The errno's name and its words, from what a call of node:fs rejects with. */
export function fileFailure(path: string, error: unknown): SlotmarkError {
  const text = error instanceof Error ? error.message.replace(/, \w+(?: '.*')?$/, "") : String(error);
  return traceError("trace-unreadable", `${path}: ${text}`, "Name a trace file that exists and may be read.");
}
