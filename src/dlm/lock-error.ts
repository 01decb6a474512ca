/**
 * What misuse of the lock manager gets: the kernel's error by name, what was wrong, what to do.
 */
import { type ErrorKind, SlotmarkError } from "../errors.js";

export class LockError extends SlotmarkError {
  constructor(
    /** `EINVAL`, `EBUSY`, `ENOENT`, `EEXIST`, `ESHUTDOWN` or `ENOMEM`. */
    readonly errnoName: string,
    code: string,
    message: string,
    remedy: string,
  ) {
    super(kindOf(errnoName), code, `${errnoName}: ${message}`, remedy);
  }
}

/** EINVAL is about what was passed; everything else about the state that it met. */
function kindOf(errnoName: string): ErrorKind {
  return errnoName === "EINVAL" ? "input" : "refused";
}

/**
 * Runs an operation of the addon. A refusal (errno, name, message and remedy, one a line) becomes a LockError.
 * @param attempted what was attempted, for the message, e.g. `convert of "token" to EX on node 2`
 */
export function refusable<T>(attempted: () => string, operation: () => T, prefix?: string): T {
  try {
    return operation();
  } catch (error) {
    throw lockErrorOf(attempted(), error instanceof Error ? error.message : String(error), prefix);
  }
}

/** The error that four lines of the addon's stand for. */
export function lockErrorOf(attempted: string, text: string, prefix = "dlm"): LockError {
  const [errnoName, name, message, remedy] = text.split("\n");
  if (errnoName === undefined || name === undefined || message === undefined || remedy === undefined) {
    const advice = "Pass arguments of the documented types.";
    return new LockError("EINVAL", `${prefix}-argument`, `${attempted}: ${text}`, advice);
  }
  return new LockError(errnoName, `${prefix}-${kebab(name)}`, `${attempted}: ${message}`, sentence(remedy));
}

function kebab(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
