/** Where a run stands, for whoever shows it: what is going on and how long the rest will take. */
import type { TrialPlan } from "../scenario/expand.js";
import type { Scenario } from "../scenario/schema.js";

export interface PlannedTrial {
  readonly scenario: Scenario;
  readonly plan: TrialPlan;
}

export class RunProgress {
  private remaining: number[] = [];
  private plannedMs = 0;
  private spentMs = 0;
  private trials = 0;
  private ended = 0;
  private doing = "";
  private startedAtMs = 0;

  /** @param show one line, without its end; called again whenever it has changed */
  constructor(private readonly show: (line: string) => void) {}

  plan(work: readonly PlannedTrial[]): void {
    this.remaining = work.map(({ scenario, plan }) => expectedMs(scenario, plan));
    this.trials = work.length;
  }

  priming(doneBytes: number, totalBytes: number): void {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
    this.show(`priming the members: ${percent} % of ${Math.round(totalBytes / 1048576)} MiB`);
  }

  trialStarted(scenario: Scenario, plan: TrialPlan): void {
    this.startedAtMs = performance.now();
    this.doing = `${scenario.suite} ${plan.phase}, ${plan.nodes} nodes, ${plan.bitmap ? "with bitmap" : "without bitmap"}`;
    this.stage("setting up");
  }

  stage(stage: string): void {
    this.show(`trial ${this.ended + 1} of ${this.trials} (${this.doing}): ${stage}, ${this.timeLeft()} left`);
  }

  trialEnded(): void {
    const plannedMs = this.remaining.shift() ?? 0;
    this.plannedMs += plannedMs;
    this.spentMs += performance.now() - this.startedAtMs;
    this.ended++;
  }

  /** Planned time of the trials to come, corrected by how the plan did so far. */
  private timeLeft(): string {
    const correction = this.plannedMs === 0 ? 1 : this.spentMs / this.plannedMs;
    const seconds = Math.ceil((this.remaining.reduce((sum, ms) => sum + ms, 0) * correction) / 1000);
    return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  }
}

/** A settling bitmap needs at least three passes, one to two daemon periods apart. */
function expectedMs(scenario: Scenario, plan: TrialPlan): number {
  const settlingMs = plan.bitmap && plan.phase === "steady" ? 5 * scenario.daemonSleepMs : 0;
  return Math.max(scenario.warmupMs, settlingMs) + scenario.timeMs;
}
