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
export function refusable<T>(attempted: () => string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const lines = error instanceof Error ? error.message.split("\n") : [];
    const [errnoName, name, message, remedy] = lines;
    if (errnoName === undefined || name === undefined || message === undefined || remedy === undefined) {
      throw new LockError(
        "EINVAL",
        "dlm-argument",
        `${attempted()}: ${error instanceof Error ? error.message : String(error)}`,
        "Pass arguments of the documented types.",
      );
    }
    throw new LockError(errnoName, `dlm-${kebab(name)}`, `${attempted()}: ${message}`, sentence(remedy));
  }
}

function kebab(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
