/** The traces that a run replays: each read and checked before a member is touched, and split for every number of nodes once. */
import path from "node:path";
import { STRIPE_SECTORS } from "../bitmap/workload.js";
import type { EventFile } from "../block-trace/event-block.js";
import { PreparedTrace } from "../block-trace/prepared-trace.js";
import { periodOf, type TraceSummary } from "../block-trace/trace-summary.js";
import type { WritesTask } from "../cluster/write-source.js";
import { SlotmarkError } from "../errors.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { Scenario } from "../scenario/schema.js";
import { isTrace, type TraceWorkload, tracePath } from "../scenario/trace-workload.js";
import { TOUCHED_BLOCK_BYTES, TouchedBlocks } from "../storage/touched-blocks.js";
import { defaultMemberFolder } from "./default-member-folder.js";
import type { RunProgress } from "./run-progress.js";

/** A trace for the nodes of one cluster. */
export interface SplitTrace {
  readonly files: readonly EventFile[];
  /** Writes of all nodes, those that were cut counted by their parts. */
  readonly parts: number;
}

export class RunTrace {
  constructor(
    readonly workload: TraceWorkload,
    private readonly trace: PreparedTrace,
    readonly touched: TouchedBlocks,
  ) {}

  get summary(): TraceSummary {
    return this.trace.summary;
  }

  get name(): string {
    return path.basename(this.trace.path);
  }

  get path(): string {
    return this.trace.path;
  }

  get touchedBytes(): number {
    return this.touched.blocks * TOUCHED_BLOCK_BYTES;
  }

  async forNodes(nodes: number, overlap: boolean, signal: AbortSignal): Promise<SplitTrace> {
    const files = await this.trace.forNodes({ nodes, overlap, stripeSectors: STRIPE_SECTORS }, signal);
    return { files, parts: files.reduce((sum, { events }) => sum + events, 0) };
  }

  /** Writes a second of the whole cluster at the trace's own times; null: it has none. */
  recordedRate({ parts }: SplitTrace): number | null {
    return this.summary.timed ? (parts * 1e9) / periodOf(this.summary) : null;
  }

  /** Each node's writes, in the order of the nodes. `ratePerSecond` is the whole cluster's; null: closed loop. */
  writesOf({ files, parts }: SplitTrace, ratePerSecond: number | null, seed: number): WritesTask[] {
    const periodNs = periodOf(this.summary);
    const timeScale = ratePerSecond === null ? null : (parts * 1e9) / ratePerSecond / periodNs;
    const largestWriteBytes = Math.min(this.summary.largestWriteBytes, STRIPE_SECTORS * SECTOR_BYTES);
    return files.map((events) => ({ kind: "traced", events, timeScale, periodNs, largestWriteBytes, seed }));
  }

  async close(): Promise<void> {
    await this.trace.close();
  }
}

/** Files of the traces that scenarios name. */
export function tracePaths(scenarios: readonly Scenario[]): string[] {
  return [...tracesOf(scenarios)].map(tracePath);
}

function tracesOf(scenarios: readonly Scenario[]): Set<TraceWorkload> {
  return new Set(scenarios.flatMap((one) => (one.kind === "bitmap" ? one.workload.filter(isTrace) : [])));
}

export class RunTraces {
  private constructor(private readonly traces: ReadonlyMap<string, RunTrace>) {}

  /** @throws SlotmarkError kind `input` for what is wrong with a trace, naming its file and line */
  static async prepare(
    scenarios: readonly Scenario[],
    progress: RunProgress,
    signal: AbortSignal,
  ): Promise<RunTraces> {
    const traces = new Map<string, RunTrace>();
    try {
      for (const workload of tracesOf(scenarios)) {
        const touched = new TouchedBlocks();
        const file = tracePath(workload);
        const trace = await PreparedTrace.prepare(file, {
          folder: defaultMemberFolder(),
          touched,
          signal,
          onProgress: (readBytes) => progress.reading(path.basename(file), readBytes),
        });
        traces.set(workload, new RunTrace(workload, trace, touched));
      }
      return new RunTraces(traces);
    } catch (error) {
      await Promise.all([...traces.values()].map((trace) => trace.close()));
      throw error;
    }
  }

  get all(): readonly RunTrace[] {
    return [...this.traces.values()];
  }

  of(workload: TraceWorkload): RunTrace {
    const trace = this.traces.get(workload);
    if (trace === undefined) throw new Error(`${workload} was not prepared`);
    return trace;
  }

  /** For the result's `scenario.traces`. */
  get described() {
    return this.all.map(({ workload, summary, touchedBytes }) => ({
      workload,
      ...summary,
      alignments: summary.alignments.map(({ alignmentBytes, line }) => ({ alignmentBytes, line })),
      touchedBytes,
    }));
  }

  /** Scenarios by their work: what a trace holds counts, and not where it lies. */
  byContent(scenarios: readonly Scenario[]): Scenario[] {
    return scenarios.map((scenario) => {
      if (scenario.kind !== "bitmap") return scenario;
      const [first, ...others] = scenario.workload.map((one) =>
        isTrace(one) ? (`trace:${this.of(one).summary.sha256}` as const) : one,
      );
      return first === undefined ? scenario : { ...scenario, workload: [first, ...others] };
    });
  }

  /** @param recorded `scenario.traces` of the run that is taken up again @throws SlotmarkError `trace-changed` */
  refuseChanged(recorded: unknown): void {
    const known = new Map(
      (Array.isArray(recorded) ? recorded : []).map((one) => [Object(one).workload, Object(one).sha256]),
    );
    for (const { workload, summary, path } of this.all) {
      if (known.get(workload) === summary.sha256) continue;
      throw new SlotmarkError(
        "input",
        "trace-changed",
        `${path} holds other writes than when the run began`,
        "Bring the trace back, or start the run anew.",
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((trace) => trace.close()));
  }
}
