/**
 * The same locks as JavaScript sees them: promises of worker threads, and waits without an event loop.
 */
import type { LockMode } from "./lock-mode.js";
import type { LockOperation } from "./measure-locks.js";
import { Stage } from "./measure-locks-stage.js";
import { checkMeasured, type MeasuredCores } from "./measurement.js";
import { withMeasuringWorkers } from "./measuring-workers.js";

/** How JavaScript waits: `promise`, awaited in the event loop, or `sync`, asleep in native code (`waitSync`). */
export type JavaScriptWaiting = "promise" | "sync";

export interface MeasureLocksFromJavaScriptOptions {
  /** 1: uncontended. 2 to 64: so many worker threads, each a node, hand EX round. */
  readonly nodes: number;
  readonly valueBlock: boolean;
  readonly waiting: JavaScriptWaiting;
  readonly cores: MeasuredCores;
  readonly timeMs: number;
  /** Most samples of each series. Default 10,000. */
  readonly samples?: number;
  readonly signal?: AbortSignal;
}

export interface JavaScriptLockSeries {
  readonly operation: LockOperation;
  readonly from: LockMode | null;
  readonly to: LockMode | null;
  /** As in `LockSeries`: one number a sample, in whole nanoseconds, each with one reading of the clock in it. */
  readonly latenciesNs: Float64Array;
}

export interface JavaScriptLockMeasurement {
  readonly nodes: number;
  readonly valueBlock: boolean;
  readonly waiting: JavaScriptWaiting;
  readonly cores: MeasuredCores;
  /** nodes = 1: request and unlock in all modes and all conversions. More: handOver and release, as in `measureLocks`. */
  readonly series: readonly JavaScriptLockSeries[];
  readonly floors: {
    /** One reading of `process.hrtime.bigint()`; a mean for each worker. */
    readonly clockNs: Float64Array;
    /** A turn handed to a worker that sleeps in `Atomics.wait`; one number a turn. Empty for one node. */
    readonly atomicsNs: Float64Array;
  };
}

/** What a worker sends when it has finished. */
export interface MeasuredByWorker {
  readonly series: readonly JavaScriptLockSeries[];
  readonly clockNs: number;
  readonly atomicsNs: Float64Array;
}

export interface MeasuringWorkerData {
  readonly lockspace: string;
  /** From 1. */
  readonly node: number;
  readonly nodes: number;
  readonly valueBlock: boolean;
  readonly waiting: JavaScriptWaiting;
  readonly timeMs: number;
  readonly samples: number;
  readonly stage: SharedArrayBuffer;
}

let measurements = 0;

/**
 * Measures one configuration on worker threads of its own; this thread stays free.
 * @throws SlotmarkError `measure-nodes` (input); what a worker throws
 */
export async function measureLocksFromJavaScript(
  options: MeasureLocksFromJavaScriptOptions,
): Promise<JavaScriptLockMeasurement> {
  checkMeasured(options, 1);
  const { nodes, valueBlock, waiting, cores, timeMs, samples = 10_000, signal } = options;
  const lockspace = `measure-${process.pid}-${++measurements}`;
  const stage = new Stage().buffer;
  const shared = { lockspace, nodes, valueBlock, waiting, timeMs, samples, stage };
  const workerData = Array.from(
    { length: nodes },
    (_, index): MeasuringWorkerData => ({ ...shared, node: index + 1 }),
  );
  const file = new URL("./measure-locks-worker.js", import.meta.url);
  const measured = await withMeasuringWorkers({ file, workerData, cores, signal }, (workers) =>
    workers.reports<MeasuredByWorker>(),
  );
  return {
    nodes,
    valueBlock,
    waiting,
    cores,
    series: merged(measured.map((one) => one.series)),
    floors: {
      clockNs: Float64Array.from(measured, (one) => one.clockNs),
      atomicsNs: joined(measured.map((one) => one.atomicsNs)),
    },
  };
}

/** Every worker measures the same series, in the same order. */
function merged(byWorker: readonly (readonly JavaScriptLockSeries[])[]): JavaScriptLockSeries[] {
  const [first = []] = byWorker;
  return first.map((one, index) => ({
    ...one,
    latenciesNs: joined(byWorker.map((series) => series[index]?.latenciesNs ?? new Float64Array())),
  }));
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
