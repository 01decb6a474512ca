/** A trial that a session can run, whatever it measures. */
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunProgress } from "./run-progress.js";
import type { TrialRecord } from "./trial-record.js";

export interface RunnableTrial {
  /** Unique inside a run; the same in a resumed run. */
  readonly id: string;
  /** For the progress line. */
  readonly title: string;
  readonly expectedMs: number;
  /** Returns null where `signal` stopped it. */
  run(signal: AbortSignal, progress: RunProgress): Promise<MeasuredTrial | null>;
}

/** The trials of one scenario, and what they hold while they run. */
export interface TrialSource {
  readonly trials: readonly RunnableTrial[];
  /** Told by a run that is taken up again which of its trials are there already, by id. */
  recall?(done: ReadonlyMap<string, TrialRecord>): void;
  close(): Promise<void>;
}
