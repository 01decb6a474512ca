/** One run: trial after trial. It keeps nothing: each measured trial goes to the caller, who journals it. */
import type { MeasuredTrial } from "./measured-trial.js";
import type { RunProgress } from "./run-progress.js";
import type { TrialSource } from "./runnable-trial.js";
import type { TrialRecord } from "./trial-record.js";

export interface SessionOptions {
  readonly sources: readonly TrialSource[];
  /** Trials that a resumed run has already. */
  readonly done: readonly TrialRecord[];
  readonly signal: AbortSignal;
  readonly progress: RunProgress;
  readonly onTrial: (measured: MeasuredTrial) => void | Promise<void>;
}

/** Returns false where `signal` ended the run early. Closes the sources in any case. */
export async function runSession(options: SessionOptions): Promise<boolean> {
  const { sources, signal, progress, onTrial } = options;
  const done = new Map(options.done.map((trial) => [trial.id, trial]));
  for (const source of sources) source.recall?.(done);
  const trials = sources.flatMap((source) => source.trials).filter((trial) => !done.has(trial.id));
  progress.plan(trials);
  try {
    for (const trial of trials) {
      if (signal.aborted) return false;
      progress.trialStarted(trial);
      const measured = await trial.run(signal, progress);
      if (measured === null) return false;
      await onTrial(measured);
      progress.trialEnded();
    }
    return true;
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}
