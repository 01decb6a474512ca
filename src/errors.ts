/**
 * The one error class that slotmark throws on purpose.
 *
 * `code` is stable and machine-readable; `message` says what was wrong and where; `remedy` says what to do now.
 * The process's exit code follows from the code's kind, in `main.ts` alone.
 */
export type ErrorKind =
  | "regression"
  | "usage"
  | "input"
  | "refused"
  | "incomparable"
  | "nothing"
  | "inconclusive"
  | "device"
  | "defect";

export class SlotmarkError extends Error {
  override readonly name = "SlotmarkError";

  constructor(
    readonly kind: ErrorKind,
    /** Kebab-case, unique to one cause, for example `chunk-not-power-of-two`. */
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}
