/** Where a run stands, for whoever shows it: what is going on and how long the rest will take. */
import type { RunnableTrial } from "./runnable-trial.js";

export class RunProgress {
  private expected: number[] = [];
  /** What the ended trials were expected to take, and took: the plan's error so far. */
  private expectedMs = 0;
  private spentMs = 0;
  private ended = 0;
  private current = "looking at the members";
  private startedAtMs = 0;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  plan(trials: readonly Pick<RunnableTrial, "expectedMs">[]): void {
    this.expected = trials.map((trial) => trial.expectedMs);
    this.startedAtMs = this.nowMs();
    this.current = "setting up";
  }

  reading(name: string, readBytes: number): void {
    this.current = `reading the trace ${name}, ${Math.round(readBytes / 1048576)} MiB so far`;
  }

  priming(doneBytes: number, totalBytes: number): void {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
    this.current = `priming the members, ${percent} % of ${Math.round(totalBytes / 1048576)} MiB`;
  }

  trialStarted({ title }: Pick<RunnableTrial, "title">): void {
    this.startedAtMs = this.nowMs();
    this.current = title;
  }

  trialEnded(): void {
    this.expectedMs += this.expected[this.ended] ?? 0;
    this.spentMs += this.nowMs() - this.startedAtMs;
    this.ended++;
    this.startedAtMs = this.nowMs();
  }

  /** One line as of now, without its end. */
  get line(): string {
    if (this.expected.length === 0) return this.current;
    const trial = Math.min(this.ended + 1, this.expected.length);
    return `trial ${trial} of ${this.expected.length}: ${this.current}, ${this.timeLeft} left`;
  }

  /** Expected time of what is left, corrected by how the expectation did so far. */
  private get timeLeft(): string {
    const correction = this.expectedMs === 0 ? 1 : this.spentMs / this.expectedMs;
    const leftMs = this.expected.slice(this.ended).reduce((sum, ms) => sum + ms, 0) * correction;
    const seconds = Math.max(0, Math.ceil((leftMs - (this.nowMs() - this.startedAtMs)) / 1000));
    return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  }
}
