/**
 * SIGINT and SIGTERM as a command sees them. A command that has something to keep calls `listen` and stops at the next
 * place that leaves whole records; every other command ends at once. main.ts turns the signal into the exit code.
 */
export type InterruptingSignal = "SIGINT" | "SIGTERM";

class Interruption {
  #controller: AbortController | undefined;
  #signal: InterruptingSignal | undefined;

  /** The first signal that came while a command listened. */
  get signal(): InterruptingSignal | undefined {
    return this.#signal;
  }

  /** From now on the first signal aborts the returned AbortSignal instead of ending the process. */
  listen(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Called by main.ts. Returns false where the process has to end now: nobody listens, or it is the second signal. */
  request(signal: InterruptingSignal): boolean {
    if (this.#controller === undefined || this.#signal !== undefined) return false;
    this.#signal = signal;
    this.#controller.abort();
    return true;
  }
}

export const interruption = new Interruption();
