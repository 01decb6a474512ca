/** A failure that stdout has told in full, as `doctor` does: main.ts adds the exit code and nothing else. */
import { type ErrorKind, SlotmarkError } from "../errors.js";

export class ReportedFailure extends SlotmarkError {
  readonly reported = true;

  constructor(kind: ErrorKind, code: string, message: string) {
    super(kind, code, message, "See what was printed.");
  }
}
