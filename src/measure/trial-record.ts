/** One trial's figures as a run records them: the unit of all statistics. The result file's schema holds the same shape. */
export interface Metric {
  readonly unit: string;
  readonly direction: "lower" | "higher";
  readonly value?: number | undefined;
  readonly p50?: number | undefined;
  readonly p90?: number | undefined;
  readonly p99?: number | undefined;
  readonly p999?: number | undefined;
  readonly max?: number | undefined;
  readonly mean?: number | undefined;
  /** Observations behind the figures. */
  readonly count: number;
}

export interface TrialRecord {
  readonly id: string;
  readonly pair: number | null;
  readonly suite: string;
  readonly labels: Record<string, string | number | boolean>;
  readonly phase: "cold" | "steady" | "hot" | "notSteady";
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationNs: number;
  readonly metrics: Record<string, Metric>;
  /** Metric name → REF of its encoded histogram. */
  readonly histograms: Record<string, string>;
}
