/** A trial that a session can run, whatever it measures. */
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunProgress } from "./run-progress.js";

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
  close(): Promise<void>;
}
